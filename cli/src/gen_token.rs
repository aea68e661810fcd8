//! The command that signs a token for the hub.

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use astatine_pubsub::Pattern;
use clap::Args;
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::hub;
use crate::secret::Secret;

/// What a token is to say, and the key that signs it.
#[derive(Args, Debug)]
pub(crate) struct GenToken {
    /// The key that signs: a private key as PEM (PKCS #8; RSA, P-256, Ed25519), or the server's
    /// secret
    #[arg(long, value_name = "FILE")]
    live_key: Option<PathBuf>,

    /// The same key as text; better given as ASTATINE_LIVE_SECRET
    #[arg(long, value_name = "TEXT")]
    live_secret: Option<Secret>,

    /// A pattern of channels that may be subscribed to, as 'news.*'; may be repeated
    #[arg(long, value_name = "PATTERN")]
    subscribe: Vec<String>,

    /// A pattern of channels that may be published to; may be repeated
    #[arg(long, value_name = "PATTERN")]
    publish: Vec<String>,

    /// Whose token it is, for presence
    #[arg(long, value_name = "NAME")]
    user: Option<String>,

    /// Seconds until it ends; 0 is never
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 3600,
        allow_negative_numbers = true
    )]
    expires_in: u32,

    /// For Mercure clients: the patterns are selectors of topics, URI templates among them, and all
    /// that is published to is listed, public updates too
    #[arg(long, num_args = 0)]
    mercure: bool,
}

impl GenToken {
    /// A token for publishing at once, to any channel.
    pub(crate) fn to_publish(live_key: Option<PathBuf>, live_secret: Option<Secret>) -> Self {
        Self {
            live_key,
            live_secret,
            subscribe: Vec::new(),
            publish: vec!["*".into()],
            user: None,
            expires_in: 60,
            mercure: false,
        }
    }

    /// Returns the two spellings of the key.
    pub(crate) fn key(&mut self) -> (&mut Option<PathBuf>, &mut Option<Secret>) {
        (&mut self.live_key, &mut self.live_secret)
    }

    /// Signs the token, on a line of its own.
    ///
    /// # Errors
    ///
    /// There is no key, or none that signs; a pattern is none.
    pub(crate) fn run(&self) -> Result<String, Failure> {
        let key = hub::key_text(self.live_key.as_deref(), self.live_secret.as_ref())?;
        let key = key.ok_or_else(|| {
            Failure::Usage("no key to sign with: give --live-key or ASTATINE_LIVE_SECRET".into())
        })?;
        self.check_patterns()?;
        let token = hub::sign(&key, &self.claims(seconds_since_1970()));
        let token =
            token.map_err(|error| Failure::Usage(format!("the key cannot sign: {error}")))?;
        Ok(format!("{token}\n"))
    }

    /// Refuses what the hub would take for no right at all.
    fn check_patterns(&self) -> Result<(), Failure> {
        let mut patterns = self.subscribe.iter().chain(&self.publish).peekable();
        if patterns.peek().is_none() {
            let warning = "warning: the token gives no right: see --subscribe and --publish";
            // Where standard error is gone, nobody is to be told.
            drop(writeln!(io::stderr(), "{warning}"));
        }
        for pattern in patterns.filter(|_| !self.mercure) {
            let wrong = |error| Failure::Usage(format!("'{pattern}' cannot be matched: {error}"));
            Pattern::new(pattern).map_err(wrong)?;
        }
        Ok(())
    }

    fn claims(&self, now: u64) -> Value {
        let lists = json!({"subscribe": self.subscribe, "publish": self.publish});
        let mut claims = match self.mercure {
            true => json!({ "mercure": lists }),
            false => lists,
        };
        claims["iat"] = now.into();
        if let Some(user) = &self.user {
            claims["sub"] = user.as_str().into();
        }
        if self.expires_in > 0 {
            claims["exp"] = (now + u64::from(self.expires_in)).into();
        }
        claims
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a token tells its end by the clock of the wall"
)]
fn seconds_since_1970() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.unwrap_or_default().as_secs()
}
