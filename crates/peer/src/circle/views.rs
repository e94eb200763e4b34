//! Circles as the screens show them.

use komrade_crypto::identity::PersonId;
use komrade_social::circle::Comment;
use komrade_view::{
    Answer, CircleComment, CircleDetail, CircleId, CirclePost, CircleReader, CircleView, Commenter,
    ComradeId, Event, PostId, Refusal,
};

use super::{Circle, own::Reader};
use crate::{limits, open::Open, step::Step};

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// What a row shows of what was said in a circle.
pub(super) struct Summary {
    /// Of this version, and seen so far.
    of: (u64, u64),
    unread: usize,
    last: Option<String>,
}

impl Circle {
    /// Looks at what was said, if that changed.
    fn summarise(&mut self, own: &PersonId) {
        let of = (self.record.version, self.record.seen);
        if self.summary.as_ref().is_some_and(|it| it.of == of) {
            return;
        }
        let (state, record) = (&self.state, &self.record);
        let posts = state.posts();
        let is_new = |number: u64| number > record.seen;
        let number_of = |id| state.get(id).map_or(0, |it| it.fields().sequence);
        let unread = posts.iter().map(|post| {
            let comments = post.comments.iter();
            let comments = comments.filter(|(id, it)| it.person() != *own && is_new(number_of(id)));
            let is_new = !record.is_own() && is_new(post.operation.fields().sequence);
            comments.count() + usize::from(is_new)
        });
        let unread = unread.sum();
        let last = posts.first().map(|it| it.text);
        let last = last.map(|text| text.chars().take(limits::LAST_CHARS).collect());
        self.summary = Some(Summary { of, unread, last });
    }
}

impl Open {
    /// Up to which number a reader's device has it all.
    fn circle_had(&self, reader: &Reader) -> u64 {
        let pair = self.comrades.get(&reader.comrade).map(|it| &it.pair);
        reader.had(|numbers| pair.is_some_and(|it| it.acknowledged.covers_all(numbers)))
    }

    fn circle_view(&self, id: CircleId, circle: &Circle) -> CircleView {
        let record = &circle.record;
        let (unread, last) = circle
            .summary
            .as_ref()
            .map_or((0, None), |it| (it.unread, it.last.clone()));
        let left = record.readers.iter().filter(|it| it.left).count();
        let readers = match record.is_for_everybody {
            true => self.met().count().min(limits::MAX_CIRCLE_READERS),
            false => record.readers.len(),
        };
        // What readers' devices have changes what is shown of posts. It must not make up for a change of the record.
        let had = record.readers.iter().map(|it| self.circle_had(it));
        let had = had.fold(0, u64::wrapping_add) & u64::from(u32::MAX);
        let version = (record.version << 32) | had;
        CircleView {
            id,
            owner: record.owner,
            name: record.name.clone(),
            everybody: record.is_for_everybody,
            readers: count(readers.saturating_sub(left)),
            over: record.over(),
            last,
            unread: count(unread),
            missing: count(record.missing(limits::MAX_OUTBOX).len()),
            is_copied: circle.state.is_copied(),
            active_at: record.active_at,
            version,
        }
    }

    /// Tells the screens of all circles, if anything about them is another than they know.
    pub(crate) fn show_circles(&mut self, step: &mut Step) {
        let person = self.device.person();
        for circle in self.circles.all.values_mut() {
            circle.summarise(&person);
        }
        let shown = self.circles.all.iter();
        let shown = shown.filter(|(_, it)| !it.record.is_forgotten && it.record.left.is_none());
        let mut views: Vec<CircleView> = shown.map(|(id, it)| self.circle_view(*id, it)).collect();
        if !views.iter().any(|it| it.everybody) {
            // Nobody has written to it.
            views.push(CircleView {
                id: self.everybody(),
                owner: None,
                name: String::new(),
                everybody: true,
                readers: count(self.met().count().min(limits::MAX_CIRCLE_READERS)),
                over: None,
                last: None,
                unread: 0,
                missing: 0,
                is_copied: false,
                active_at: 0,
                version: 0,
            });
        }
        views.sort_by_key(|it| {
            let place = (it.owner.is_some(), !it.everybody);
            (place, std::cmp::Reverse(it.active_at), it.id)
        });
        if views != self.circles.shown {
            self.circles.shown = views.clone();
            step.event(Event::Circles(views));
        }
    }

    fn met(&self) -> impl Iterator<Item = ComradeId> {
        let met = self.comrades.iter();
        let met = met.filter(|(_, it)| it.record.is_met() && !it.record.removed);
        met.map(|(id, _)| *id)
    }

    pub(super) fn circle_detail(&self, id: CircleId, limit: u16) -> Result<Answer, Refusal> {
        if !(1..=limits::MAX_CIRCLE_PAGE).contains(&limit) {
            return Err(Refusal::OutOfBounds);
        }
        let mut detail = CircleDetail {
            id,
            posts: Vec::new(),
            older: false,
            readers: Vec::new(),
        };
        let Some(circle) = self
            .circles
            .all
            .get(&id)
            .filter(|it| !it.record.is_forgotten)
        else {
            return match id == self.everybody() {
                true => {
                    detail.readers = self.everybody_else(&[]).collect();
                    Ok(Answer::CircleDetail(Box::new(detail)))
                }
                false => Err(Refusal::Unknown),
            };
        };
        let record = &circle.record;
        let had: Vec<(u64, u64)> = record
            .readers
            .iter()
            .filter(|it| !it.left)
            .map(|it| (it.floor, self.circle_had(it)))
            .collect();
        let all = circle.state.posts();
        detail.older = all.len() > usize::from(limit);
        let waiting = record.waiting.iter();
        let waiting = waiting.filter_map(|(_, bytes)| Comment::decode_stored(bytes).ok());
        let waiting: Vec<Comment> = waiting.collect();
        for post in all.into_iter().take(limit.into()) {
            let operation = post.operation;
            let number = operation.fields().sequence;
            let readers = had.iter().filter(|(floor, _)| number > *floor);
            let said = post.comments.iter();
            let said = said.map(|(id, it)| self.circle_comment_view(PostId(id.0), it, false));
            let unsaid = waiting.iter().filter(|it| it.on() == operation.id());
            let unsaid = unsaid.map(|it| self.circle_comment_view(PostId(it.id().0), it, true));
            detail.posts.push(CirclePost {
                id: PostId(operation.id().0),
                text: post.text.to_owned(),
                written_at: operation.fields().time,
                had: count(readers.clone().filter(|(_, had)| *had >= number).count()),
                of: count(readers.count()),
                comments: said.chain(unsaid).collect(),
            });
        }
        let view = |it: &Reader| CircleReader {
            comrade: it.comrade,
            left: it.left,
        };
        detail.readers = record.readers.iter().map(view).collect();
        if record.is_for_everybody {
            let known: Vec<ComradeId> = record.readers.iter().map(|it| it.comrade).collect();
            detail.readers.extend(self.everybody_else(&known));
        }
        Ok(Answer::CircleDetail(Box::new(detail)))
    }

    /// Comrades who get the next post to all of them, beside those who got one.
    fn everybody_else(&self, known: &[ComradeId]) -> impl Iterator<Item = CircleReader> {
        let room = limits::MAX_CIRCLE_READERS.saturating_sub(known.len());
        let others = self.met().filter(move |id| !known.contains(id)).take(room);
        let left = false;
        others.map(move |comrade| CircleReader { comrade, left })
    }

    fn circle_comment_view(&self, id: PostId, comment: &Comment, waiting: bool) -> CircleComment {
        let person = comment.person();
        let is_theirs = |who: &crate::comrade::Who| who.person == person;
        let mut comrades = self.comrades.iter();
        let known = comrades
            .find(|(_, it)| it.record.is_met() && it.record.who.as_ref().is_some_and(is_theirs));
        let by = match known {
            _ if person == self.device.person() => Commenter::Me,
            Some((comrade, _)) => Commenter::Comrade(*comrade),
            None => Commenter::Stranger,
        };
        CircleComment {
            id,
            by,
            name: comment.name().to_owned(),
            code: person.short_code(),
            text: comment.text().to_owned(),
            written_at: comment.time(),
            waiting,
        }
    }
}
