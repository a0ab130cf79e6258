package apps

import (
	"context"

	"github.com/dialwright/dialwright/internal/dialplan/run"
)

// causes lists the applications of HANGUPCAUSE() (Asterisk: func_hangupcause.c).
func causes() []run.App {
	return []run.App{{Name: "HangupCauseClear", Run: func(_ context.Context, x *run.Exec, _ string) error {
		x.Channel().ForgetDialledLegs()
		return nil
	}}}
}
