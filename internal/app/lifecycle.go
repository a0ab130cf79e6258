package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
)

// teardown is one named step of stopping.
type teardown struct {
	name string
	stop func(context.Context) error
}

// stack holds what has to be undone. It is used by one goroutine at a time.
type stack struct{ steps []teardown }

func (s *stack) push(name string, stop func(context.Context) error) {
	s.steps = append(s.steps, teardown{name, stop})
}

// unwind runs all steps, last in first out, each of them also after ctx has
// ended or another has failed. The error names the steps that failed.
func (s *stack) unwind(ctx context.Context, log *slog.Logger) error {
	var errs []error
	for len(s.steps) > 0 {
		t := s.steps[len(s.steps)-1]
		s.steps = s.steps[:len(s.steps)-1]
		if err := t.stop(ctx); err != nil {
			errs = append(errs, fmt.Errorf("stop %s: %w", t.name, err))
			continue
		}
		log.DebugContext(ctx, "stopped", "part", t.name)
	}
	return errors.Join(errs...)
}
