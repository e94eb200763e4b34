//! `Debug` of what holds texts, names and persons: what may be printed, and nothing else.
//!
//! Whatever is logged, by whichever crate, must say neither who writes to whom nor what.

use core::fmt;

use crate::{
    Answer, CircleComment, CircleDetail, CircleId, CirclePost, CircleView, CollectiveId,
    CollectiveView, Command, ComradeId, ComradeView, Event, IntroductionId, IntroductionView,
    InviteId, InvitePreview, MessageView, PageView, PersonKey, PostId, ProfileView, ProposalId,
    RelayView, RouteView,
};

/// Which one it is says who somebody is, or of whom.
macro_rules! redacted {
    ($($name:ident),+ $(,)?) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "([redacted])"))
            }
        }
    )+};
}

redacted!(
    CircleId,
    CollectiveId,
    ComradeId,
    IntroductionId,
    InviteId,
    PersonKey,
    PostId,
    ProposalId,
);

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CutKeys { .. } => "CutKeys",
            Self::SealVault { .. } => "SealVault",
            Self::Unlock { .. } => "Unlock",
            Self::Lock => "Lock",
            Self::ChangePassphrase { .. } => "ChangePassphrase",
            Self::TakeLead => "TakeLead",
            Self::UseRelay { .. } => "UseRelay",
            Self::TryRelay { .. } => "TryRelay",
            Self::AddRelay { .. } => "AddRelay",
            Self::MakeFirst { .. } => "MakeFirst",
            Self::LeaveRelay { .. } => "LeaveRelay",
            Self::Reconnect => "Reconnect",
            Self::Introduce { .. } => "Introduce",
            Self::AnswerIntroduction { .. } => "AnswerIntroduction",
            Self::EndIntroduction { .. } => "EndIntroduction",
            Self::MakeInvite { .. } => "MakeInvite",
            Self::RevokeInvite { .. } => "RevokeInvite",
            Self::ReadInvite { .. } => "ReadInvite",
            Self::AcceptInvite { .. } => "AcceptInvite",
            Self::Confirm { .. } => "Confirm",
            Self::Decline { .. } => "Decline",
            Self::MarkVerified { .. } => "MarkVerified",
            Self::OpenPage { .. } => "OpenPage",
            Self::SendMessage { .. } => "SendMessage",
            Self::MarkRead { .. } => "MarkRead",
            Self::SetAckPace(_) => "SetAckPace",
            Self::SetName { .. } => "SetName",
            Self::RemoveComrade { .. } => "RemoveComrade",
            Self::DeleteConversation { .. } => "DeleteConversation",
            Self::SetLive { .. } => "SetLive",
            Self::SetReplicaLimit(_) => "SetReplicaLimit",
            Self::SetDataLimit(_) => "SetDataLimit",
            Self::Move { .. } => "Move",
            Self::NextPart => "NextPart",
            Self::EraseMoved => "EraseMoved",
            Self::Bring { .. } => "Bring",
            Self::BringBytes(_) => "BringBytes",
            Self::Collective(_) => "Collective",
            Self::Circle(_) => "Circle",
        })
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => f.write_str("Done"),
            Self::Keys { .. } => f.write_str("Keys"),
            Self::Invite { .. } => f.write_str("Invite"),
            Self::Preview(preview) => f.debug_tuple("Preview").field(preview).finish(),
            Self::Comrade(comrade) => f.debug_tuple("Comrade").field(comrade).finish(),
            Self::Page(page) => f.debug_tuple("Page").field(page).finish(),
            Self::Sent(message) => f.debug_tuple("Sent").field(message).finish(),
            Self::Part { is_last, .. } => f.debug_tuple("Part").field(is_last).finish(),
            Self::Want { .. } => f.write_str("Want"),
            Self::Collective(_) => f.write_str("Collective"),
            Self::CollectiveDetail(_) => f.write_str("CollectiveDetail"),
            Self::Posts(_) => f.write_str("Posts"),
            Self::Posted(_) => f.write_str("Posted"),
            Self::Proposed(_) => f.write_str("Proposed"),
            Self::Constitution(_) => f.write_str("Constitution"),
            Self::Circle(_) => f.write_str("Circle"),
            Self::CircleDetail(_) => f.write_str("CircleDetail"),
            Self::Faults(faults) => f.debug_tuple("Faults").field(faults).finish(),
        }
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Vault(state) => f.debug_tuple("Vault").field(state).finish(),
            Self::Profile(_) => f.write_str("Profile"),
            Self::Comrades(comrades) => f.debug_tuple("Comrades").field(&comrades.len()).finish(),
            Self::Invites(invites) => f.debug_tuple("Invites").field(&invites.len()).finish(),
            Self::Message { message, .. } => f.debug_tuple("Message").field(message).finish(),
            Self::Introductions(all) => f.debug_tuple("Introductions").field(&all.len()).finish(),
            Self::Collectives(all) => f.debug_tuple("Collectives").field(&all.len()).finish(),
            Self::Circles(all) => f.debug_tuple("Circles").field(&all.len()).finish(),
            Self::Route(_) => f.write_str("Route"),
        }
    }
}

impl fmt::Debug for MessageView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageView")
            .field("ordinal", &self.ordinal)
            .field("mine", &self.mine)
            .field("tick", &self.tick)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ComradeView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ComradeView")
            .field("state", &self.state)
            .field("unread", &self.unread)
            .field("waiting", &self.waiting)
            .field("gap", &self.gap)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for CollectiveView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CollectiveView")
            .field("members", &self.members)
            .field("unread", &self.unread)
            .field("waiting", &self.waiting)
            .field("gap", &self.gap)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for IntroductionView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IntroductionView").finish_non_exhaustive()
    }
}

impl fmt::Debug for CircleView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CircleView")
            .field("readers", &self.readers)
            .field("unread", &self.unread)
            .field("missing", &self.missing)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for CirclePost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CirclePost")
            .field("had", &self.had)
            .field("of", &self.of)
            .field("comments", &self.comments.len())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for CircleComment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CircleComment")
            .field("waiting", &self.waiting)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for CircleDetail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CircleDetail")
            .field("posts", &self.posts.len())
            .field("older", &self.older)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for PageView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PageView")
            .field("messages", &self.messages)
            .field("older", &self.older)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ProfileView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProfileView").finish_non_exhaustive()
    }
}

impl fmt::Debug for InvitePreview {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InvitePreview").finish_non_exhaustive()
    }
}

impl fmt::Debug for RouteView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RouteView")
            .field("link", &self.link)
            .field("router", &self.router)
            .field("hosting", &self.hosting)
            .field("node", &self.node)
            .field("relays", &self.relays)
            .field("waiting", &self.waiting)
            .field("queues", &self.queues)
            .field("collective_queues", &self.collective_queues)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for RelayView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RelayView")
            .field("id", &self.id)
            .field("standing", &self.standing)
            .field("rests", &self.rests)
            .field("link", &self.link)
            .field("router", &self.router)
            .field("node", &self.node)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::{
        AckPace, Alarm, CircleCommand, CircleReader, CollectiveCommand, CollectiveQueueView,
        Commenter, ComradeState, DialStage, DialView, FromEngine, HostStage, Introduction,
        InviteView, LinkState, NodeStage, QueueReason, QueueView, RelayStanding, ReplicaView,
        RouterStage, SaverView, Secret, Standing, Tick, ToEngine, TrafficView,
    };

    const PRIVATE: &str = "nobody may read this";

    fn text() -> String {
        PRIVATE.to_owned()
    }

    fn id<const LENGTH: usize>() -> [u8; LENGTH] {
        [171; LENGTH]
    }

    /// Whether it tells of a text, or of who somebody is.
    fn tells(line: &str) -> bool {
        line.contains(PRIVATE) || line.contains("171") || line.contains("ab, ab")
    }

    #[test]
    fn neither_ids_nor_relays_nor_circles_nor_collectives_are_printed() {
        // What is looked for would be found.
        assert!(tells(&format!("{:?}", text())));
        assert!(tells(&format!("{:?}", id::<2>())));
        assert!(tells(&format!("{:x?}", id::<2>())));
        let comrade = ComradeId(id());
        let circle = CircleId(id());
        let collective = CollectiveId(id());
        let post = PostId(id());
        let relay = RelayView {
            id: 1,
            origin: text(),
            standing: RelayStanding::InUse,
            rests: false,
            link: LinkState::NoRelay,
            router: RouterStage::Unknown,
            node: NodeStage::Unknown,
            has_node: false,
        };
        let queue = QueueView {
            comrade,
            waiting: 1,
            handed: 0,
            reason: QueueReason::Keys,
            home: None,
            refused: None,
        };
        let posts = CollectiveQueueView {
            collective,
            waiting: 1,
            homes: (1, 2),
            reason: QueueReason::Turn,
            refused: None,
        };
        let dial = DialView {
            comrade,
            stage: DialStage::Dialing,
            since: 1,
        };
        let route = RouteView {
            relay: Some(text()),
            link: LinkState::NoRelay,
            router: RouterStage::Unknown,
            hosting: HostStage::Off,
            node: NodeStage::Unknown,
            relays: vec![relay],
            replicas: ReplicaView {
                envelopes: 0,
                bytes: 0,
                limit: 0,
            },
            rescuing: 0,
            dials: vec![dial],
            waiting: 1,
            queues: vec![queue],
            collective_queues: vec![posts],
            traffic: TrafficView::default(),
            saver: SaverView::default(),
        };
        let invite = InviteView {
            id: InviteId(id()),
            made_at: 1,
            expires_at: 2,
            with_relay: false,
            collective: Some(collective),
            for_introduction: false,
            answered: false,
            placed: true,
            elsewhere: false,
        };
        let introduction = IntroductionView {
            id: IntroductionId(id()),
            at: 1,
            words: text(),
            what: Introduction::Asked {
                by: comrade,
                name: text(),
            },
        };
        let comment = CircleComment {
            id: post,
            by: Commenter::Comrade(comrade),
            name: text(),
            code: text(),
            text: text(),
            written_at: 1,
            waiting: false,
        };
        let said = CirclePost {
            id: post,
            text: text(),
            written_at: 1,
            had: 0,
            of: 1,
            comments: vec![comment.clone()],
        };
        let detail = CircleDetail {
            id: circle,
            posts: vec![said.clone()],
            older: false,
            readers: vec![CircleReader {
                comrade,
                left: false,
            }],
        };
        let row = CircleView {
            id: circle,
            owner: Some(comrade),
            name: text(),
            everybody: false,
            readers: 1,
            over: None,
            last: Some(text()),
            unread: 0,
            missing: 0,
            is_copied: false,
            active_at: 1,
            version: 1,
        };
        let member = CollectiveView {
            id: collective,
            name: text(),
            standing: Standing::Linked { by: comrade },
            members: 1,
            last: None,
            unread: 0,
            mentions: 0,
            asked: 0,
            requests: 0,
            candidacy: None,
            waiting: 0,
            gap: None,
            alarm: Some(Alarm::DoubleSigned(PersonKey(id()))),
            active_at: 1,
            version: 1,
        };
        let words = text();
        let commands = [
            Command::Circle(CircleCommand::Post {
                circle,
                text: text(),
            }),
            Command::Collective(CollectiveCommand::Ask { collective, words }),
            Command::Confirm { comrade },
        ];
        let printed = [
            format!("{:?} {:?} {:?}", comrade, circle, collective),
            format!("{:?} {:?}", post, ProposalId(id())),
            format!("{:?} {:?}", member.alarm, member.standing),
            format!("{:?} {:?}", detail.readers, comment.by),
            format!("{route:?} {:?} {:?}", route.queues, route.dials),
            format!("{:?}", route.collective_queues),
            format!("{:?} {:?}", Event::Route(route.clone()), route.relays),
            format!("{invite:?} {introduction:?} {:?}", introduction.id),
            format!("{comment:?} {said:?} {detail:?} {row:?} {member:?}"),
            format!("{commands:?}"),
            format!(
                "{:?} {:?}",
                Answer::Comrade(comrade),
                Answer::Circle(circle)
            ),
            format!("{:?}", Answer::CircleDetail(Box::new(detail.clone()))),
        ];
        for line in printed {
            assert!(!tells(&line), "{line}");
        }
    }

    #[test]
    fn neither_texts_nor_names_nor_persons_are_printed() {
        let comrade = ComradeId(id());
        let message = MessageView {
            ordinal: 7,
            mine: true,
            text: text(),
            written_at: 1,
            kept_at: 2,
            tick: Tick::Kept,
        };
        let view = ComradeView {
            id: comrade,
            name: text(),
            person: text(),
            code: text(),
            live: false,
            verified: false,
            state: ComradeState::Met,
            last: Some(message.clone()),
            unread: 0,
            read_up_to: 0,
            waiting: 0,
            gap: None,
            lost: 0,
            is_full: false,
            is_copied: false,
            active_at: 0,
        };
        let profile = ProfileView {
            name: text(),
            person: text(),
            code: text(),
            ack_pace: AckPace::Calm,
        };
        let page = PageView {
            comrade,
            messages: vec![message.clone()],
            older: false,
        };
        let preview = InvitePreview {
            expires_at: 0,
            relay: Some(text()),
            for_collective: false,
        };
        let commands = [
            Command::CutKeys { name: text() },
            Command::SetName { name: text() },
            Command::Unlock {
                passphrase: Secret::new(PRIVATE),
            },
            Command::UseRelay {
                link: Secret::new(PRIVATE),
            },
            Command::SendMessage {
                comrade,
                text: text(),
            },
        ];
        let answers = [
            Answer::Sent(message.clone()),
            Answer::Page(page),
            Answer::Preview(preview),
            Answer::Keys {
                words: Secret::new(PRIVATE),
                passphrase: Secret::new(PRIVATE),
            },
        ];
        let events = [
            Event::Profile(profile.clone()),
            Event::Comrades(vec![view.clone()]),
            Event::Message {
                comrade,
                message: message.clone(),
            },
        ];
        let mut printed = vec![
            format!("{message:?}"),
            format!("{view:?}"),
            format!("{profile:?}"),
        ];
        printed.extend(
            commands
                .into_iter()
                .map(|command| format!("{:?}", ToEngine { id: 1, command })),
        );
        printed.extend(answers.into_iter().map(|answer| {
            let done = FromEngine::Done {
                id: 1,
                result: Ok(answer),
            };
            format!("{done:?}")
        }));
        printed.extend(
            events
                .into_iter()
                .map(|event| format!("{:?}", FromEngine::Event(event))),
        );
        for line in printed {
            assert!(!tells(&line), "{line}");
        }
    }
}
