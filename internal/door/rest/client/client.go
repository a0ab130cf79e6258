// Package client speaks the REST API from the other side: it is what the
// command line uses, over the control socket or over HTTP with a key.
//
// A Client holds no state but its connections and is safe for concurrent use.
// Errors of the server are *Error with the problem's code; other errors mean
// that the server could not be reached, and say what to do.
package client

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/dialwright/dialwright/internal/call"
)

// Options say which server is meant.
type Options struct {
	URL  string // "http://127.0.0.1:8088"; "" = Dial
	Key  string // API key, with URL
	Dial func(ctx context.Context) (net.Conn, error)
}

// Client speaks to one server.
type Client struct {
	base string
	key  string
	http *http.Client
}

// Error is a problem that the server reported.
type Error struct {
	Status int
	Code   string `json:"code"`
	Detail string `json:"detail"`
	Rule   string `json:"rule"`
	Errors []struct {
		Message  string `json:"message"`
		Location string `json:"location"`
	} `json:"errors"`
}

// Error gives the detail, and each single mistake.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Detail)
	if e.Rule != "" {
		b.WriteString(" [" + e.Rule + "]")
	}
	for _, m := range e.Errors {
		if m.Message != e.Detail {
			fmt.Fprintf(&b, "\n  %s: %s", strings.TrimPrefix(m.Location, "body."), m.Message)
		}
	}
	return b.String()
}

// ErrMissed says that events were deleted before they were read; the stream
// goes on after the gap.
type ErrMissed struct{ After, Oldest int64 }

// Error names the gap.
func (e *ErrMissed) Error() string {
	return fmt.Sprintf("events between %d and %d are no longer kept", e.After, e.Oldest)
}

// New makes a client.
func New(o Options) (*Client, error) {
	t := &http.Transport{MaxIdleConnsPerHost: 4, Proxy: http.ProxyFromEnvironment}
	c := &Client{base: strings.TrimSuffix(o.URL, "/"), key: o.Key, http: &http.Client{Transport: t}}
	if o.URL == "" {
		c.base = "http://dialwright"
		t.Proxy = nil
		t.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) { return o.Dial(ctx) }
		return c, nil
	}
	u, err := url.Parse(o.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("%q is not the address of a server; write it as http://127.0.0.1:8088", o.URL)
	}
	return c, nil
}

// Close ends idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Get asks for path and decodes the answer into out.
func (c *Client) Get(ctx context.Context, path string, query url.Values, out any) error {
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return c.do(ctx, http.MethodGet, path, nil, out)
}

// Post sends in (nil = nothing) and decodes the answer into out (nil = ignore).
func (c *Client) Post(ctx context.Context, path string, in, out any) error {
	return c.do(ctx, http.MethodPost, path, in, out)
}

// Put sends in and decodes the answer into out (nil = ignore).
func (c *Client) Put(ctx context.Context, path string, in, out any) error {
	return c.do(ctx, http.MethodPut, path, in, out)
}

// Patch sends in and decodes the answer into out (nil = ignore).
func (c *Client) Patch(ctx context.Context, path string, in, out any) error {
	return c.do(ctx, http.MethodPatch, path, in, out)
}

// Delete sends a DELETE and decodes the answer into out (nil = ignore).
func (c *Client) Delete(ctx context.Context, path string, query url.Values, out any) error {
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return c.do(ctx, http.MethodDelete, path, nil, out)
}

func (c *Client) do(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(b)
	}
	resp, err := c.send(ctx, method, path, body)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if out == nil {
		_, err = io.Copy(io.Discard, resp.Body)
		return err
	}
	if raw, ok := out.(*json.RawMessage); ok {
		*raw, err = io.ReadAll(resp.Body)
		return err
	}
	if err := json.NewDecoder(resp.Body).Decode(out); err != nil {
		return fmt.Errorf("%s %s: the answer cannot be understood: %w", method, path, err)
	}
	return nil
}

// send gives a response with a 2xx status.
func (c *Client) send(ctx context.Context, method, path string, body io.Reader, headers ...string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return nil, err
	}
	if c.key != "" {
		req.Header.Set("Authorization", "Bearer "+c.key)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, unreachable(c.base, err)
	}
	if resp.StatusCode/100 == 2 {
		return resp, nil
	}
	defer resp.Body.Close()
	e := &Error{Status: resp.StatusCode}
	if err := json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(e); err != nil || e.Detail == "" {
		e.Detail = fmt.Sprintf("the server answered %s", resp.Status)
	}
	e.Status = resp.StatusCode
	return nil, e
}

// unreachable takes the URL out of an error of net/http, so that what remains
// is about the server.
func unreachable(base string, err error) error {
	if ue, ok := errors.AsType[*url.Error](err); ok {
		err = ue.Err
	}
	if oe, ok := errors.AsType[*net.OpError](err); ok && oe.Op == "dial" {
		return fmt.Errorf("no server answers at %s (%w); is `dialwright serve` running there?", base, oe.Err)
	}
	return err
}

// Events follows events after a cursor (-1 = only new ones). It ends with ctx
// or with an error; a gap is an *ErrMissed, after which it goes on. ready, if
// not nil, is called when the stream is open: what happens from then on will be
// seen.
func (c *Client) Events(ctx context.Context, after int64, query url.Values, ready func()) iter.Seq2[call.Event, error] {
	return func(yield func(call.Event, error) bool) {
		if query == nil {
			query = url.Values{}
		}
		query.Set("after", strconv.FormatInt(after, 10))
		resp, err := c.send(ctx, http.MethodGet, "/v1/events?"+query.Encode(), nil, "Accept", "text/event-stream")
		if err != nil {
			yield(call.Event{}, err)
			return
		}
		defer resp.Body.Close()
		if ready != nil {
			ready()
		}
		sc := bufio.NewScanner(resp.Body)
		sc.Buffer(make([]byte, 64<<10), 16<<20)
		name := ""
		for sc.Scan() {
			field, value, _ := strings.Cut(sc.Text(), ": ")
			switch field {
			case "event":
				name = value
			case "data":
				e, err, over := message(name, value)
				if over || !yield(e, err) {
					return
				}
			}
		}
		if err := sc.Err(); err != nil && ctx.Err() == nil {
			yield(call.Event{}, fmt.Errorf("the event stream broke: %w", err))
		}
	}
}

// message decodes one message of the stream; over means that the server stops.
func message(name, data string) (e call.Event, err error, over bool) {
	switch name {
	case "bye":
		return e, nil, true
	case "lost":
		var gap struct{ After, Oldest int64 }
		if err := json.Unmarshal([]byte(data), &gap); err != nil {
			return e, err, false
		}
		return e, &ErrMissed{gap.After, gap.Oldest}, false
	}
	err = json.Unmarshal([]byte(data), &e)
	return e, err, false
}
