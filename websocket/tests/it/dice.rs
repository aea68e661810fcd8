//! Numbers that look drawn and are the same in each run.

/// A generator (splitmix64).
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// Returns a number below the limit.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        (self.draw() % limit as u64) as usize
    }

    /// Returns a text that compresses somewhat: words of a small alphabet, some beyond ASCII.
    pub(crate) fn text(&mut self, max_len: usize) -> String {
        const WORDS: [&str; 8] = [
            "a",
            "news ",
            "{\"id\":",
            "}",
            "\u{e9}",
            "\u{20ac}",
            "\u{1f980}",
            " ",
        ];
        let wanted = self.below(max_len + 1);
        let mut text = String::new();
        while text.len() < wanted {
            text.push_str(WORDS[self.below(WORDS.len())]);
        }
        text
    }

    /// Returns bytes that do not compress.
    pub(crate) fn bytes(&mut self, max_len: usize) -> Vec<u8> {
        let len = self.below(max_len + 1);
        (0..len).map(|_| self.draw() as u8).collect()
    }
}
