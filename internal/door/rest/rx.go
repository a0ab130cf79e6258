package rest

import (
	"context"

	"github.com/dialwright/dialwright/internal/call"
)

// Commands carries out lines of Asterisk's CLI dialect.
type Commands interface {
	// Run gives what a line prints, and "done", "failed", "usage" (it was used wrongly) or
	// "unknown".
	Run(ctx context.Context, by Commander, line string) (output, outcome string)
	// Complete proposes words for the place of the last one of a line.
	Complete(ctx context.Context, line string) []string
	// Version is the line of `core show version`.
	Version() string
}

// Commander is who gives a command.
type Commander struct {
	Principal string
	Remote    string // address, "" = control socket
	Account   call.AccountID
}

type rxInput struct {
	Body struct {
		Command string `json:"command" maxLength:"65536" doc:"A line, such as: core show channels concise"`
	}
}

type rxOutput struct {
	Body struct {
		Output  string `json:"output" doc:"What it prints, lines with their line feeds"`
		Outcome string `json:"outcome" enum:"done,failed,usage,unknown" doc:"How it ended: usage = it was used wrongly, unknown = there is no such command"`
	}
}

// noCommands is the answer of a server without the dialect.
func noCommands() error {
	return &Refusal{Code: "not-found", Text: "This server takes no commands of Asterisk's CLI."}
}

func (s *Server) rx(ctx context.Context, in *rxInput) (*rxOutput, error) {
	if s.o.Commands == nil {
		return nil, noCommands()
	}
	p := principal(ctx)
	out := &rxOutput{}
	by := Commander{Principal: p.Name, Remote: remoteFrom(ctx), Account: s.accountOf(p)}
	out.Body.Output, out.Body.Outcome = s.o.Commands.Run(ctx, by, in.Body.Command)
	return out, nil
}

type completeInput struct {
	Body struct {
		Line string `json:"line" maxLength:"65536" doc:"What has been typed so far"`
	}
}

type completeOutput struct {
	Body struct {
		Words   []string `json:"words" nullable:"false" doc:"Words that may stand in the place of the last one, which is empty behind a blank"`
		Version string   `json:"version" doc:"As core show version prints it"`
	}
}

func (s *Server) completeRx(ctx context.Context, in *completeInput) (*completeOutput, error) {
	if s.o.Commands == nil {
		return nil, noCommands()
	}
	out := &completeOutput{}
	out.Body.Words = append([]string{}, s.o.Commands.Complete(ctx, in.Body.Line)...)
	out.Body.Version = s.o.Commands.Version()
	return out, nil
}
