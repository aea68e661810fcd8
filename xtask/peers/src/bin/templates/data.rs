//! The pages' data: each as a struct that every engine can read.

use astatine_templates::context;
use ramhorns::Content;
use serde::Serialize;

/// A small page.
#[derive(Content, Serialize)]
pub(crate) struct Teams {
    pub(crate) year: u32,
    pub(crate) teams: Vec<Team>,
}

#[derive(Content, Serialize)]
pub(crate) struct Team {
    pub(crate) name: &'static str,
    pub(crate) score: u32,
    pub(crate) is_first: bool,
}

/// 100 rows of 100 numbers.
#[derive(Serialize)]
pub(crate) struct Table {
    pub(crate) rows: Vec<Row>,
}

#[derive(Serialize)]
pub(crate) struct Row {
    pub(crate) cells: Vec<u32>,
}

/// The same for ramhorns, which has no name for the item itself.
#[derive(Content)]
pub(crate) struct NamedTable {
    pub(crate) rows: Vec<NamedRow>,
}

#[derive(Content)]
pub(crate) struct NamedRow {
    pub(crate) cells: Vec<NamedCell>,
}

#[derive(Content)]
pub(crate) struct NamedCell {
    pub(crate) value: u32,
}

/// Three sections inside each other, and a partial in the second.
#[derive(Content, Serialize)]
pub(crate) struct Shop {
    pub(crate) title: String,
    pub(crate) shelves: Vec<Shelf>,
}

#[derive(Content, Serialize)]
pub(crate) struct Shelf {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) products: Vec<Product>,
}

#[derive(Content, Serialize)]
pub(crate) struct Product {
    pub(crate) number: u32,
    pub(crate) label: String,
    pub(crate) description: String,
    pub(crate) price: u32,
    pub(crate) is_reduced: bool,
    pub(crate) tags: Vec<Tag>,
}

#[derive(Content, Serialize)]
pub(crate) struct Tag {
    pub(crate) tag: &'static str,
}

context! {
    Teams { year, teams }
    Team { name, score, is_first }
    Table { rows }
    Row { cells }
    Shop { title, shelves }
    Shelf { id, name, products }
    Product { number, label, description, price, is_reduced, tags }
    Tag { tag }
}

impl Teams {
    pub(crate) fn new() -> Self {
        let team = |name, score, is_first| Team {
            name,
            score,
            is_first,
        };
        Self {
            year: 2015,
            teams: vec![
                team("Jiangsu", 43, true),
                team("Beijing", 27, false),
                team("Guangzhou", 22, false),
                team("Shandong", 12, false),
            ],
        }
    }
}

impl Table {
    pub(crate) fn new() -> Self {
        let row = |_| Row {
            cells: (0..100).collect(),
        };
        Self {
            rows: (0..100).map(row).collect(),
        }
    }
}

impl NamedTable {
    pub(crate) fn new() -> Self {
        let row = |_| NamedRow {
            cells: (0..100).map(|value| NamedCell { value }).collect(),
        };
        Self {
            rows: (0..100).map(row).collect(),
        }
    }
}

impl Shop {
    pub(crate) fn new() -> Self {
        Self {
            title: "Tools & more".to_owned(),
            shelves: (0..10).map(Shelf::new).collect(),
        }
    }
}

impl Shelf {
    fn new(number: u32) -> Self {
        Self {
            id: format!("shelf-{number}"),
            name: format!("Shelf no. {number}, \"for the home\""),
            products: (0..9).map(|i| Product::new(number * 100 + i)).collect(),
        }
    }
}

impl Product {
    fn new(number: u32) -> Self {
        let tags = ["steel", "hand made", "new & old"].map(|tag| Tag { tag });
        Self {
            number,
            label: format!("Hammer {number}"),
            description: "A hammer with a handle of ash, for nails < 90 mm and for all \
                          that does not want to go where it should."
                .to_owned(),
            price: 10 + number % 7,
            is_reduced: number % 3 == 0,
            tags: tags.into_iter().take(1 + number as usize % 3).collect(),
        }
    }
}
