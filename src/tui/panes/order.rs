//! The order of the rows of a pane: by which of its columns they are sorted, and in which direction.

use std::cmp::Ordering;

/// Column by which rows can be sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sortable {
    /// Name of the order in the settings.
    pub name: &'static str,
    /// True if the greatest value stands first at the beginning.
    pub begins_descending: bool,
}

impl Sortable {
    /// Creates a column of figures, of which the greatest ones matter.
    pub const fn figures(name: &'static str) -> Sortable {
        Sortable { name, begins_descending: true }
    }

    /// Creates a column of words, in the order of the alphabet or of their rank.
    pub const fn words(name: &'static str) -> Sortable {
        Sortable { name, begins_descending: false }
    }
}

/// Order of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order {
    /// Name of the column.
    pub by: &'static str,
    /// True if the greatest value stands first.
    pub is_descending: bool,
}

impl Order {
    /// Returns the order that follows among those of a pane: by its first column after its own order, and its own order after the last.
    pub fn next(now: Option<Order>, all: &'static [Sortable]) -> Option<Order> {
        let place = now.map_or(0, |now| all.iter().position(|sortable| sortable.name == now.by).map_or(0, |place| place + 1));
        all.get(place).map(|sortable| Order { by: sortable.name, is_descending: sortable.begins_descending })
    }

    /// Returns the same order from its other end.
    #[must_use]
    pub fn reversed(self) -> Order {
        Order { is_descending: !self.is_descending, ..self }
    }

    /// Returns the order as it is remembered: its name, with a minus sign before it if the greatest value stands first.
    pub fn to_setting(self) -> String {
        format!("{}{}", if self.is_descending { "-" } else { "" }, self.by)
    }

    /// Returns the order that was remembered, if the pane has it.
    pub fn of_setting(setting: &str, all: &'static [Sortable]) -> Option<Order> {
        let name = setting.strip_prefix('-').unwrap_or(setting);
        let sortable = all.iter().find(|sortable| sortable.name == name)?;
        Some(Order { by: sortable.name, is_descending: setting.starts_with('-') })
    }

    /// Compares two values in the direction of the order. A value that is missing stands last in both directions.
    pub fn compare<T: PartialOrd>(self, one: Option<T>, other: Option<T>) -> Ordering {
        match (one, other) {
            (Some(one), Some(other)) => {
                let ascending = one.partial_cmp(&other).unwrap_or(Ordering::Equal);
                if self.is_descending { ascending.reverse() } else { ascending }
            }
            (one, other) => other.is_some().cmp(&one.is_some()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: &[Sortable] = &[Sortable::words("name"), Sortable::figures("size")];

    #[test]
    fn orders_follow_each_other_and_are_remembered() {
        let name = Order { by: "name", is_descending: false };
        let size = Order { by: "size", is_descending: true };
        assert_eq!([None, Some(name), Some(size)].map(|now| Order::next(now, ALL)), [Some(name), Some(size), None]);
        assert_eq!(Order::next(Some(name.reversed()), ALL), Some(size));
        for order in [name, size, name.reversed(), size.reversed()] {
            assert_eq!(Order::of_setting(&order.to_setting(), ALL), Some(order));
        }
        assert_eq!(["", "-", "weight", "--size"].map(|setting| Order::of_setting(setting, ALL)), [None; 4]);
    }

    #[test]
    fn what_has_no_value_stands_last() {
        let size = Order { by: "size", is_descending: true };
        for (order, expected) in [(size, [Some(3), Some(2), None]), (size.reversed(), [Some(2), Some(3), None])] {
            let mut values = [None, Some(2), Some(3)];
            values.sort_by(|one, other| order.compare(*one, *other));
            assert_eq!(values, expected);
        }
    }
}
