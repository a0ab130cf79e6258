package cli

import "slices"

// table lists every command of the shell, by part; the order is that of help.
func (s *Shell) table() []command {
	list := slices.Concat(
		s.channelCommands(), s.coreCommands(), s.databaseCommands(), s.dialplanCommands(), s.bridgeCommands(),
		s.deviceCommands(), s.pjsipCommands(), s.managerCommands(), s.ariCommands(), s.reloadCommands(), s.stopCommands(),
		s.helpCommands(), s.internalCommands(),
	)
	return append(list, aliases(list)...)
}

// aliases are the short forms that Asterisk 22 has as it comes (Asterisk:
// cli_aliases.conf, template friendly).
func aliases(list []command) []command {
	var out []command
	for _, a := range []struct{ short, long string }{
		{"originate", "channel originate"},
		{"hangup request", "channel request hangup"},
		{"help", "core show help"},
		{"reload", "module reload"},
		{"stop now", "core stop now"},
		{"stop gracefully", "core stop gracefully"},
		{"stop when convenient", "core stop when convenient"},
		{"restart now", "core restart now"},
		{"restart gracefully", "core restart gracefully"},
		{"restart when convenient", "core restart when convenient"},
		{"abort shutdown", "core abort shutdown"},
	} {
		i := slices.IndexFunc(list, func(c command) bool { return c.words == a.long })
		if i < 0 {
			continue
		}
		c := list[i]
		c.words = a.short
		out = append(out, c)
	}
	return out
}
