// Package rest is the HTTP door: the REST API under /v1, the event streams,
// health and metrics. The console, the command line and customers' programs all
// use it.
//
// A request goes through the layers of New from the outside in:
//
//	request ─► size limit ─► cross-origin guard ─► who is it? ─► scope ─► operation ─► Calls
//	             413             403                 401          403       4xx          │
//	response ◄── application/json, or application/problem+json with a stable "code" ◄────┘
//
// Operations are typed functions; the OpenAPI document at /v1/openapi.json is
// made from their types. The door holds no queue, no retry and no SQL: it turns
// bodies into call.Request (request.go), calls into views (view.go), and every
// error into a problem in one function (problem.go). A principal who is not
// admin sees and touches the calls of its own account only; others do not exist
// for it.
//
// Event streams (events.go, websocket.go) read the journal at the reader's own
// pace: a slow reader falls behind in the journal and costs no memory. If it
// falls so far behind that events were deleted, it is told from where it
// continues. Each event's number is the cursor from which a later stream
// resumes. Streams do not end with http.Server.Shutdown: Stop ends them.
//
// The door declares what it needs of the server in backend.go. It promises that
// no input crashes it, that details of inner errors stay in the log, and that
// repeating a POST with the same Idempotency-Key makes no second call.
package rest
