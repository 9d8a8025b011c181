//! What the layer allocates for a request, besides what its service does: printed, and bounded.

use std::convert::Infallible;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::{Empty, Full};
use ringseal::testing::Capture;
use ringseal_counting_allocator::allocations;
use ringseal_tower::{HttpLayer, Profile};
use tower::{Layer, Service, service_fn};

/// One exchange, and how often it allocates.
fn exchange<S, B>(service: &mut S, request: Request<Empty<Bytes>>) -> u64
where
    S: Service<Request<Empty<Bytes>>, Response = Response<B>, Error = Infallible>,
    B: Body,
{
    let waker = &mut Context::from_waker(Waker::noop());
    let exchange = || {
        let mut future = pin!(service.call(request));
        let Poll::Ready(Ok(response)) = future.as_mut().poll(waker) else { panic!("not ready") };
        let mut body = pin!(response.into_body());
        while let Poll::Ready(Some(Ok(_))) = body.as_mut().poll_frame(waker) {}
    };
    allocations(exchange).1
}

fn request() -> Request<Empty<Bytes>> {
    Request::get("/orders/7?page=2")
        .header("x-request-id", "r-17")
        .header("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
        .header("user-agent", "curl/8.5.0")
        .body(Empty::new())
        .unwrap()
}

fn handler<B>(_: Request<B>) -> std::future::Ready<Result<Response<Full<Bytes>>, Infallible>> {
    std::future::ready(Ok(Response::new(Full::from(Bytes::from_static(b"done")))))
}

#[test]
fn requests_need_few_allocations() {
    let (engine, _capture) = Capture::start();
    let bare = exchange(&mut service_fn(handler), request());
    for (profile, bound) in [(Profile::Access, 8), (Profile::Message, 8), (Profile::Span, 9)] {
        let layer = HttpLayer::new(engine.logger()).profile(profile);
        let mut service = layer.layer(service_fn(handler));
        // The first ones make the ring of the thread and the stack of its scopes.
        let counts: Vec<_> = (0..20).map(|_| exchange(&mut service, request())).collect();
        let most = counts[10..].iter().max().unwrap() - bare;
        println!("{profile:?}: {most} allocations a request besides the service's {bare}");
        assert!(most <= bound, "{profile:?}: {most} allocations, expected at most {bound}");
    }
}
