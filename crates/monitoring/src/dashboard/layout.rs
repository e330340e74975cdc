//! Places panels: left to right in the order of their description, on Grafana's 24 columns.

use serde_json::{Value, json};

use super::Row;

const COLUMNS: u32 = 24;

/// The next free place.
struct Cursor {
    x: u32,
    y: u32,
    /// Height of the highest panel beside the cursor.
    line: u32,
    id: u32,
}

impl Cursor {
    fn new_line(&mut self) {
        self.y += self.line;
        (self.x, self.line) = (0, 0);
    }

    /// A place of this size; no two places overlap.
    fn take(&mut self, width: u32, height: u32) -> (u32, Value) {
        if self.x + width > COLUMNS {
            self.new_line();
        }
        let place = json!({ "x": self.x, "y": self.y, "w": width, "h": height });
        self.x += width;
        self.line = self.line.max(height);
        self.id += 1;
        (self.id, place)
    }
}

/// The panels of all rows, each row below a heading of its own.
pub(super) fn place(rows: Vec<Row>) -> Vec<Value> {
    let mut cursor = Cursor { x: 0, y: 0, line: 0, id: 0 };
    let mut placed = Vec::new();
    for row in rows {
        cursor.new_line();
        let (id, place) = cursor.take(COLUMNS, 1);
        placed.push(json!({
            "type": "row", "id": id, "title": row.title, "gridPos": place, "collapsed": false, "panels": [],
        }));
        for panel in row.panels {
            let (id, place) = cursor.take(panel.width, panel.height);
            placed.push(panel.json(id, &place));
        }
    }
    placed
}
