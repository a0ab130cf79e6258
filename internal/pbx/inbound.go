package pbx

func NewInbound(s *Switch) Handler { return nil }
