//! The status transitions that commands of the integration API may cause. Events of native senders
//! bypass this table: the sender decides.

use super::order::OrderStatus;
use super::rejection::{Code, Rejection};

/// An action of a request on an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Cancel,
    /// Records a payment; `in_full` if nothing remains to be paid after it.
    Pay {
        in_full: bool,
    },
    /// Records a refund; `in_full` if everything paid has been refunded after it.
    Refund {
        in_full: bool,
    },
}

impl Action {
    /// The status that the action leads to, if it changes the status.
    const fn target(self) -> OrderStatus {
        match self {
            Self::Cancel => OrderStatus::Cancelled,
            Self::Pay { .. } => OrderStatus::Processing,
            Self::Refund { .. } => OrderStatus::Refunded,
        }
    }

    /// The table: the status after this action on an order in `status`; `None` if the action is
    /// forbidden.
    pub const fn after(self, status: OrderStatus) -> Option<OrderStatus> {
        use OrderStatus::{Cancelled, Completed, Failed, OnHold, Pending, Processing, Refunded};
        match (self, status) {
            (Self::Cancel, Pending | OnHold | Processing | Failed) => Some(Cancelled),
            (Self::Cancel, Completed | Cancelled | Refunded) => None,
            (Self::Pay { in_full: true }, Pending | OnHold | Failed) => Some(Processing),
            (Self::Pay { .. }, Pending | OnHold | Failed | Processing | Completed) => Some(status),
            (Self::Pay { .. }, Cancelled | Refunded) => None,
            (Self::Refund { .. }, Refunded) => None,
            (Self::Refund { in_full: true }, _) => Some(Refunded),
            (Self::Refund { in_full: false }, _) => Some(status),
        }
    }

    /// The status after this action.
    ///
    /// # Errors
    /// 409 `invalid_state` with both statuses if the table forbids the action.
    pub fn apply(self, status: OrderStatus) -> Result<OrderStatus, Rejection> {
        self.after(status).ok_or_else(|| {
            let (from, to) = (status.as_str(), self.target().as_str());
            Rejection::new(
                Code::InvalidState,
                format!("The order is {from}, and from {from} it cannot become {to}."),
            )
            .between(from, to)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use OrderStatus::{Cancelled, Completed, Failed, OnHold, Pending, Processing, Refunded};

    #[test]
    fn every_action_on_every_status_has_the_listed_result() {
        let part = [Action::Pay { in_full: false }, Action::Refund { in_full: false }];
        for (status, cancelled, paid, refunded) in [
            (Pending, Some(Cancelled), Some(Processing), Some(Refunded)),
            (OnHold, Some(Cancelled), Some(Processing), Some(Refunded)),
            (Failed, Some(Cancelled), Some(Processing), Some(Refunded)),
            (Processing, Some(Cancelled), Some(Processing), Some(Refunded)),
            (Completed, None, Some(Completed), Some(Refunded)),
            (Cancelled, None, None, Some(Refunded)),
            (Refunded, None, None, None),
        ] {
            assert_eq!(Action::Cancel.after(status), cancelled, "{status:?}");
            assert_eq!(Action::Pay { in_full: true }.after(status), paid, "{status:?}");
            assert_eq!(Action::Refund { in_full: true }.after(status), refunded, "{status:?}");
            // A partial payment or refund is allowed where a full one is, and changes no status.
            assert_eq!(part[0].after(status), paid.map(|_| status), "{status:?}");
            assert_eq!(part[1].after(status), refunded.map(|_| status), "{status:?}");
        }
    }

    #[test]
    fn no_action_moves_an_order_back() {
        for status in OrderStatus::ALL {
            for action in [
                Action::Cancel,
                Action::Pay { in_full: true },
                Action::Pay { in_full: false },
                Action::Refund { in_full: true },
                Action::Refund { in_full: false },
            ] {
                let after = action.after(status).map(OrderStatus::progress);
                assert!(
                    after.is_none_or(|after| after >= status.progress()),
                    "{status:?} {action:?}"
                );
            }
        }
    }

    #[test]
    fn a_forbidden_transition_names_both_states() {
        let rejection = Action::Cancel.apply(Completed).unwrap_err();
        assert_eq!(rejection.code, Code::InvalidState);
        assert_eq!(rejection.states, Some(Box::new(("completed".into(), "cancelled".into()))));
        assert_eq!(
            rejection.detail,
            "The order is completed, and from completed it cannot become cancelled."
        );
    }
}
