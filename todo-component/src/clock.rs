//! Time limits, and work done side by side.

use spin_sdk::time::sleep;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

/// The result of whichever comes first; the other is dropped, and the host
/// gives up what it was doing for it. Both are boxed: a future holds all that
/// it may ever wait for, and that would be copied from one to the next.
pub fn first<T>(
    one: impl Future<Output = T>,
    other: impl Future<Output = T>,
) -> impl Future<Output = T> {
    let (mut one, mut other) = (Box::pin(one), Box::pin(other));
    poll_fn(move |context| match one.as_mut().poll(context) {
        Poll::Ready(done) => Poll::Ready(done),
        Poll::Pending => other.as_mut().poll(context),
    })
}

/// Whichever succeeds first. One that fails leaves the other at work; where both do, the error of
/// `other`.
pub fn either<T, E>(
    one: impl Future<Output = Option<T>>,
    other: impl Future<Output = Result<T, E>>,
) -> impl Future<Output = Result<T, E>> {
    let (mut one, mut other) = (Some(Box::pin(one)), Box::pin(other));
    let mut error = None;
    poll_fn(move |context| {
        if let Some(work) = &mut one
            && let Poll::Ready(done) = work.as_mut().poll(context)
        {
            if let Some(done) = done {
                return Poll::Ready(Ok(done));
            }
            one = None;
        }
        if error.is_none()
            && let Poll::Ready(done) = other.as_mut().poll(context)
        {
            match done {
                Ok(done) => return Poll::Ready(Ok(done)),
                Err(failed) => error = Some(failed),
            }
        }
        match error.take_if(|_| one.is_none()) {
            Some(error) => Poll::Ready(Err(error)),
            None => Poll::Pending,
        }
    })
}

/// The result of `work`, or `None` when it takes longer than `limit`.
pub fn within<T>(
    limit: Duration,
    work: impl Future<Output = T>,
) -> impl Future<Output = Option<T>> {
    let (mut work, mut end) = (Box::pin(work), Box::pin(sleep(limit)));
    poll_fn(move |context| match work.as_mut().poll(context) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending => end.as_mut().poll(context).map(|()| None),
    })
}

/// The results in the order in which they come, until there are `enough`.
pub async fn together<'a, T>(
    work: impl Iterator<Item = impl Future<Output = T> + 'a>,
    enough: impl Fn(&[T]) -> bool,
) -> Vec<T> {
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
        if pending.is_empty() || enough(&done) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    done
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::pin;
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

    async fn never() -> u8 {
        std::future::pending().await
    }

    #[test]
    fn nobody_waits_for_the_one_before() {
        let mut all = pin!(together([later(1), later(2)].into_iter(), |_| false));
        let mut context = Context::from_waker(Waker::noop());
        assert!(all.as_mut().poll(&mut context).is_pending());
        assert_eq!(all.as_mut().poll(&mut context), Poll::Ready(vec![1, 2]));
    }

    #[test]
    fn nobody_waits_for_more_than_is_enough() {
        let work: [Pin<Box<dyn Future<Output = u8>>>; 2] = [Box::pin(never()), Box::pin(later(2))];
        let mut all = pin!(together(work.into_iter(), |done| !done.is_empty()));
        let mut context = Context::from_waker(Waker::noop());
        assert!(all.as_mut().poll(&mut context).is_pending());
        assert_eq!(all.as_mut().poll(&mut context), Poll::Ready(vec![2]));
    }

    #[test]
    fn one_that_fails_does_not_end_the_other() {
        let mut context = Context::from_waker(Waker::noop());
        let mut slow = pin!(either(async { Some(later(2).await) }, async { Err("refused") }));
        assert!(slow.as_mut().poll(&mut context).is_pending());
        assert_eq!(slow.as_mut().poll(&mut context), Poll::Ready(Ok(2)));

        let mut other = pin!(either(async { None }, async { Ok::<_, &str>(later(2).await) }));
        assert!(other.as_mut().poll(&mut context).is_pending());
        assert_eq!(other.as_mut().poll(&mut context), Poll::Ready(Ok(2)));

        let both = pin!(either(async { None::<u8> }, async { Err("refused") }));
        assert_eq!(both.poll(&mut context), Poll::Ready(Err("refused")));
    }

    #[test]
    fn the_first_of_two_is_taken() {
        let mut one = pin!(first(never(), later(2)));
        let mut context = Context::from_waker(Waker::noop());
        assert!(one.as_mut().poll(&mut context).is_pending());
        assert_eq!(one.as_mut().poll(&mut context), Poll::Ready(2));
    }
}
