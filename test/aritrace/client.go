package aritrace

import "context"

// Client is a connected application, for scenarios that Play cannot make from a trace
// alone.
type Client struct{ l *listener }

// Connect opens an application's WebSocket.
func Connect(ctx context.Context, to Target, app string, all bool) (*Client, error) {
	l, err := listen(ctx, to, app, all)
	if err != nil {
		return nil, err
	}
	return &Client{l}, nil
}

// Await returns when all these events have come, or after some seconds: the
// comparison tells then.
func (c *Client) Await(ctx context.Context, events []map[string]any) {
	c.l.await(ctx, tokens(events), gateBefore)
}

// Events gives what has come.
func (c *Client) Events() []map[string]any { return c.l.events() }

// Close ends the connection, without a word.
func (c *Client) Close() { c.l.close() }

// Do carries out one request.
func Do(ctx context.Context, to Target, method, path string, query map[string]any) (Response, error) {
	return do(ctx, to, &Request{Method: method, Path: path, Query: query})
}
