//! The engines: each renders the three pages from the same data.

use std::path::Path;

use astatine_templates::{Config, Templates, Tree};
use serde::Serialize;

use crate::data::{NamedTable, Row, Shelf, Shop, Table, Team, Teams};

/// The pages, by the names of their templates.
pub(crate) const PAGES: &[&str] = &["teams", "table", "shop"];

/// The engines' names, ours by hand-written data, then ours by serde.
pub(crate) const ENGINES: &[&str] = &[
    "astatine",
    "astatine-serde",
    "askama",
    "ramhorns",
    "handlebars",
    "minijinja",
];

/// All engines, their templates compiled, and the data.
pub(crate) struct Engines {
    ours: Templates,
    ramhorns: ramhorns::Ramhorns,
    handlebars: handlebars::Handlebars<'static>,
    minijinja: minijinja::Environment<'static>,
    teams: Teams,
    table: Table,
    named_table: NamedTable,
    shop: Shop,
}

#[derive(askama::Template)]
#[template(path = "teams.html")]
struct TeamsPage<'a> {
    year: u32,
    teams: &'a [Team],
}

#[derive(askama::Template)]
#[template(path = "table.html")]
struct TablePage<'a> {
    rows: &'a [Row],
}

#[derive(askama::Template)]
#[template(path = "shop.html")]
struct ShopPage<'a> {
    title: &'a str,
    shelves: &'a [Shelf],
}

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/templates"))
}

/// Returns the sources with an ending, by name.
pub(crate) fn sources(ending: &str) -> Vec<(String, String)> {
    let names = ["teams", "table", "shop", "head", "product"];
    let source = |name: &str| {
        let path = folder().join(format!("{name}.{ending}"));
        std::fs::read_to_string(path).expect("the templates lie beside this program")
    };
    names.map(|name| (name.to_owned(), source(name))).to_vec()
}

/// Compiles ours.
pub(crate) fn ours(sources: &[(String, String)]) -> Templates {
    let sources = sources.iter().map(|(name, source)| (name, source));
    Templates::compile(sources, Config::default()).expect("they are well-formed")
}

/// Compiles those of ramhorns.
pub(crate) fn ramhorns(sources: &[(String, String)]) -> ramhorns::Ramhorns {
    let mut ramhorns = ramhorns::Ramhorns::lazy(folder()).expect("the folder is there");
    // A partial must be there before who calls it.
    for (name, source) in sources.iter().rev() {
        ramhorns
            .insert(source.replace("{{.}}", "{{value}}"), name.clone())
            .expect("they are well-formed");
    }
    ramhorns
}

/// Compiles those of handlebars.
pub(crate) fn handlebars(sources: &[(String, String)]) -> handlebars::Handlebars<'static> {
    let mut handlebars = handlebars::Handlebars::new();
    for (name, source) in sources {
        handlebars
            .register_template_string(name, source)
            .expect("they are well-formed");
    }
    handlebars
}

/// Compiles those of minijinja.
pub(crate) fn minijinja(sources: &[(String, String)]) -> minijinja::Environment<'static> {
    let mut minijinja = minijinja::Environment::new();
    for (name, source) in sources {
        minijinja
            .add_template_owned(format!("{name}.html"), source.clone())
            .expect("they are well-formed");
    }
    minijinja
}

impl Engines {
    pub(crate) fn new() -> Self {
        let mustache = sources("mustache");
        Self {
            ours: ours(&mustache),
            ramhorns: ramhorns(&mustache),
            handlebars: handlebars(&sources("hbs")),
            minijinja: minijinja(&sources("html")),
            teams: Teams::new(),
            table: Table::new(),
            named_table: NamedTable::new(),
            shop: Shop::new(),
        }
    }

    /// Returns what renders a page with an engine; `None` if there is no such thing.
    pub(crate) fn renderer<'a>(
        &'a self,
        engine: &str,
        page: &'a str,
    ) -> Option<Box<dyn Fn() -> String + 'a>> {
        match page {
            "teams" if engine == "askama" => {
                let (year, teams) = (self.teams.year, &*self.teams.teams);
                Some(Box::new(move || rendered(&TeamsPage { year, teams })))
            }
            "table" if engine == "askama" => {
                let rows = &*self.table.rows;
                Some(Box::new(move || rendered(&TablePage { rows })))
            }
            "shop" if engine == "askama" => {
                let (title, shelves) = (&*self.shop.title, &*self.shop.shelves);
                Some(Box::new(move || rendered(&ShopPage { title, shelves })))
            }
            "teams" if engine == "ramhorns" => self.ramhorns(page, &self.teams),
            "table" if engine == "ramhorns" => self.ramhorns(page, &self.named_table),
            "shop" if engine == "ramhorns" => self.ramhorns(page, &self.shop),
            "teams" => self.interpreted(engine, page, &self.teams),
            "table" => self.interpreted(engine, page, &self.table),
            "shop" => self.interpreted(engine, page, &self.shop),
            _ => None,
        }
    }

    fn ramhorns<'a>(
        &'a self,
        page: &str,
        data: &'a impl ramhorns::Content,
    ) -> Option<Box<dyn Fn() -> String + 'a>> {
        let template = self.ramhorns.get(page)?;
        Some(Box::new(move || template.render(data)))
    }

    fn interpreted<'a, D>(
        &'a self,
        engine: &str,
        page: &'a str,
        data: &'a D,
    ) -> Option<Box<dyn Fn() -> String + 'a>>
    where
        D: astatine_templates::Context + Serialize,
    {
        const GOOD: &str = "the data fits the template";
        let ours = self.ours.get(page)?;
        Some(match engine {
            "astatine" => Box::new(move || ours.render(data).expect(GOOD)),
            "astatine-serde" => Box::new(move || {
                let tree = Tree::new(data).expect(GOOD);
                ours.render(&tree).expect(GOOD)
            }),
            "handlebars" => Box::new(move || self.handlebars.render(page, data).expect(GOOD)),
            "minijinja" => {
                let template = self.minijinja.get_template(&format!("{page}.html")).ok()?;
                Box::new(move || template.render(data).expect(GOOD))
            }
            _ => return None,
        })
    }
}

fn rendered(page: &impl askama::Template) -> String {
    page.render().expect("a string takes everything")
}
