//! Time limits, and work done side by side.

use spin_sdk::time::sleep;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

/// The result of `work`, or `None` when it takes longer than `limit`: it is
/// dropped then, and the host gives up what it was doing for it.
pub async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    let mut end = pin!(sleep(limit));
    poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending => end.as_mut().poll(context).map(|()| None),
    })
    .await
}

/// All results, in the order in which they come.
pub async fn together<'a, T>(work: impl Iterator<Item = impl Future<Output = T> + 'a>) -> Vec<T> {
    let mut pending: Vec<Pin<Box<dyn Future<Output = T> + 'a>>> =
        work.map(|one| Box::pin(one) as Pin<Box<_>>).collect();
    let mut done = Vec::with_capacity(pending.len());
    poll_fn(|context| {
        pending.retain_mut(|one| match one.as_mut().poll(context) {
            Poll::Ready(result) => {
                done.push(result);
                false
            }
            Poll::Pending => true,
        });
        if pending.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    done
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::{Context, Waker};

    /// Is there at the second look.
    async fn later(number: u8) -> u8 {
        let mut looks = 0;
        poll_fn(|_| {
            looks += 1;
            if looks > 1 { Poll::Ready(number) } else { Poll::Pending }
        })
        .await
    }

    #[test]
    fn nobody_waits_for_the_one_before() {
        let mut all = pin!(together([later(1), later(2)].into_iter()));
        let mut context = Context::from_waker(Waker::noop());
        assert!(all.as_mut().poll(&mut context).is_pending());
        assert_eq!(all.as_mut().poll(&mut context), Poll::Ready(vec![1, 2]));
    }
}
