//! Who vouched for whom, laid out: founders above, everybody else below those who vouched for them.
//!
//! Pure arithmetic in units of a pixel; what is drawn of it is `screens::members`'.

use std::collections::BTreeMap;

use komrade_view::{MemberView, PersonKey};

/// The width and the height of a member's cell.
pub const CELL: (u32, u32) = (76, 104);
/// The radius of the circle of a member.
pub const RADIUS: u32 = 20;
/// From the top of a cell to the middle of its circle.
const MIDDLE: u32 = 30;
/// How far below a circle its member's name ends.
const NAME: u32 = 26;
/// How far aside a link reaches that passes other rows, so that it does not cross the circle and the name of who stands between.
const ASIDE: i32 = 56;
/// Members side by side: what a phone shows without scrolling, and what many members take.
const NARROW: usize = 4;
const WIDE: usize = 10;
/// From so many members on the picture gets wide.
const MANY: usize = 40;

/// A member in the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Node {
    /// The place in the list of members.
    pub member: usize,
    /// The middle of the circle.
    pub x: u32,
    /// The middle of the circle.
    pub y: u32,
}

/// A vouch in the picture, from the voucher to the newcomer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// Below the voucher's name.
    pub from: (u32, u32),
    /// The upper edge of the newcomer's circle.
    pub to: (u32, u32),
    /// How far aside the curve is drawn on its way, towards the middle of the picture; 0 from one row to the next.
    pub aside: i32,
}

/// The picture.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Picture {
    /// How wide it is.
    pub width: u32,
    /// How high it is.
    pub height: u32,
    /// The members.
    pub nodes: Vec<Node>,
    /// The vouches of those who are still members.
    pub links: Vec<Link>,
}

/// Lays it out. Who has no voucher among the members stands at the top; a circle of vouches, which only
/// readmission can make, ends at the one who is older.
pub fn layout(members: &[MemberView]) -> Picture {
    let mut oldest: Vec<usize> = (0..members.len()).collect();
    oldest.sort_by_key(|at| members.get(*at).map(|member| (member.since, member.person)));
    let mut depths: BTreeMap<PersonKey, usize> = BTreeMap::new();
    let mut rows: Vec<Vec<usize>> = Vec::new();
    for at in oldest {
        let Some(member) = members.get(at) else {
            continue;
        };
        let above = member.vouched_by.iter().filter_map(|by| depths.get(by));
        let depth = above.max().map_or(0, |depth| depth + 1);
        depths.insert(member.person, depth);
        if rows.len() <= depth {
            rows.resize(depth + 1, Vec::new());
        }
        if let Some(row) = rows.get_mut(depth) {
            row.push(at);
        }
    }
    let most = if members.len() < MANY { NARROW } else { WIDE };
    let rows: Vec<&[usize]> = rows.iter().flat_map(|row| row.chunks(most)).collect();
    let size = |count: usize| u32::try_from(count).unwrap_or_default();
    // Never too narrow for a link that passes by.
    let widest = rows.iter().map(|row| row.len().max(2)).max();
    let (wide, high) = CELL;
    let width = size(widest.unwrap_or_default()) * wide;
    let mut nodes = Vec::new();
    for (down, row) in (0_u32..).zip(&rows) {
        let left = (width - size(row.len()) * wide) / 2;
        for (right, member) in (0_u32..).zip(*row) {
            nodes.push(Node {
                member: *member,
                x: left + right * wide + wide / 2,
                y: down * high + MIDDLE,
            });
        }
    }
    let of: BTreeMap<PersonKey, &Node> = nodes
        .iter()
        .filter_map(|node| Some((members.get(node.member)?.person, node)))
        .collect();
    let links = nodes.iter().flat_map(|node| {
        let vouchers = members.get(node.member).map(|member| &member.vouched_by);
        let vouchers = vouchers.into_iter().flatten().filter_map(|by| of.get(by));
        let above = vouchers.filter(|voucher| voucher.y < node.y);
        above.map(|voucher| Link {
            from: (voucher.x, voucher.y + RADIUS + NAME),
            to: (node.x, node.y - RADIUS),
            aside: match (node.y - voucher.y > high, voucher.x + node.x > width) {
                (false, _) => 0,
                (true, false) => ASIDE,
                (true, true) => -ASIDE,
            },
        })
    });
    Picture {
        links: links.collect(),
        width,
        height: size(rows.len()) * high,
        nodes,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing)]
    use super::*;

    fn member(number: u8, since: u64, vouched_by: &[u8]) -> MemberView {
        MemberView {
            person: PersonKey([number; 32]),
            name: String::new(),
            code: String::new(),
            is_self: false,
            comrade: None,
            vouched_by: vouched_by.iter().map(|by| PersonKey([*by; 32])).collect(),
            since,
            resting: false,
            delegate: false,
            rekeyed_at: None,
            heard_at: None,
        }
    }

    #[test]
    fn everybody_stands_below_those_who_vouched_for_them() {
        // By name, as the engine gives them, not by age.
        let members = [
            member(3, 30, &[1, 2]),
            member(1, 10, &[]),
            member(4, 40, &[3]),
            member(2, 20, &[1]),
        ];
        let picture = layout(&members);
        let y = |member| {
            picture
                .nodes
                .iter()
                .find(|it| it.member == member)
                .unwrap()
                .y
        };
        assert!(y(1) < y(3) && y(3) < y(0) && y(0) < y(2));
        assert_eq!(picture.links.len(), 4);
        assert!(picture.links.iter().all(|link| link.from.1 < link.to.1));
    }

    #[test]
    fn a_vouch_from_further_above_passes_whoever_stands_between() {
        let members = [
            member(1, 10, &[]),
            member(2, 20, &[1]),
            member(3, 30, &[1, 2]),
        ];
        let picture = layout(&members);
        assert_eq!(picture.width, 2 * CELL.0);
        let asides: Vec<i32> = picture.links.iter().map(|link| link.aside).collect();
        assert_eq!(asides, [0, ASIDE, 0]);
        // Half way a curve is three quarters of that away, between two circles.
        let away = ASIDE.unsigned_abs() * 3 / 4;
        assert!(away > RADIUS && away < CELL.0 - RADIUS);
    }

    #[test]
    fn many_newcomers_of_one_wrap_and_none_lies_on_another() {
        let mut members = vec![member(0, 0, &[])];
        members.extend((1..=9).map(|n| member(n, n.into(), &[0])));
        let picture = layout(&members);
        assert_eq!(picture.nodes.len(), 10);
        assert_eq!(picture.width, 4 * CELL.0);
        assert_eq!(picture.height, 4 * CELL.1);
        let mut places: Vec<_> = picture.nodes.iter().map(|it| (it.x, it.y)).collect();
        places.sort_unstable();
        places.dedup();
        assert_eq!(places.len(), 10);
    }

    #[test]
    fn former_vouchers_and_circles_are_borne() {
        let picture = layout(&[member(1, 10, &[9]), member(2, 20, &[1]), member(3, 5, &[2])]);
        // The one who came back is older than who vouched for them.
        assert_eq!(picture.links.len(), 1);
        assert_eq!(layout(&[]), Picture::default());
    }
}
