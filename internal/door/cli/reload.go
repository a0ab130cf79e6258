package cli

import "context"

// reloadCommands load the configuration again.
func (s *Shell) reloadCommands() []command {
	there := s.o.Server != nil
	whole := func(words, summary, text string, run func(context.Context, *ask) Outcome) command {
		return command{words: words, summary: summary, usage: "Usage: " + words + "\n       " + text + "\n", there: there, changes: true, run: run}
	}
	return []command{
		whole("core reload", "Load the configuration again", "Loads all configuration files again, the dialplan too.", reloadAll),
		{
			words: "module reload", summary: "Load the configuration again, or one part of it",
			usage: "Usage: module reload [module ...]\n       Loads all configuration files again; modules are named as Asterisk names\n       them: pbx_config, manager, res_pjsip.so.\n",
			there: there, changes: true, run: reloadModules, complete: fixed("pbx_config", "res_pjsip", "manager", "res_parking", "res_ari", "cdr", "dialplan"),
		},
		whole("dialplan reload", "Load the dialplan again", "Loads the dialplan and the configuration again.", reloadDialplan),
		whole("manager reload", "Load the configuration of AMI again", "Loads the configuration of AMI's users again.", reloadPart("manager")),
		whole("pjsip reload", "Load the configuration of phones and trunks again", "Loads the configuration of phones and trunks again.", reloadPart("res_pjsip")),
		whole("cdr reload", "Load the configuration of records again", "Loads the configuration of records again.", reloadPart("cdr")),
	}
}

// reloadAll loads everything; mistakes are shown, and the old configuration stays.
func reloadAll(ctx context.Context, q *ask) Outcome {
	if len(q.args) > 0 {
		return Usage
	}
	return q.reload(ctx, "")
}

func (q *ask) reload(ctx context.Context, module string) Outcome {
	if _, err := q.s.o.Server.Reload(ctx, module); err != nil {
		q.printf("%v\n", err)
		return Failed
	}
	return Done
}

func reloadPart(module string) func(context.Context, *ask) Outcome {
	return func(ctx context.Context, q *ask) Outcome {
		if len(q.args) > 0 {
			return Usage
		}
		return q.reload(ctx, module)
	}
}

// reloadDialplan says that it is done (spec: cli 6).
func reloadDialplan(ctx context.Context, q *ask) Outcome {
	if len(q.args) > 0 {
		return Usage
	}
	outcome := q.reload(ctx, "dialplan")
	if outcome == Done {
		q.print("Dialplan reloaded.\n")
	}
	return outcome
}

// reloadModules loads modules by name (Asterisk: main/cli.c handle_reload). One that
// is not there does not keep the others from it.
func reloadModules(ctx context.Context, q *ask) Outcome {
	if len(q.args) == 0 {
		return q.reload(ctx, "")
	}
	for _, module := range q.args {
		switch known, err := q.s.o.Server.Reload(ctx, module); {
		case err != nil:
			q.printf("Module '%s' reported a reload failure\n%v\n", module, err)
		case !known:
			q.printf("No such module '%s'\n", module)
		default:
			q.printf("Module '%s' reloaded successfully.\n", module)
		}
	}
	return Done
}
