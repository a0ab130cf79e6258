package app

import (
	"github.com/dialwright/dialwright/internal/config"
	"github.com/dialwright/dialwright/internal/door/vodia"
)

// newVodia makes Vodia's door, if it is switched on. Its sockets are closed with it.
func (a *App) newVodia() *vodia.Door {
	if !a.Config().Vodia.Enabled {
		return nil
	}
	shape := newShape(vodiaConfig)
	d := vodia.New(vodia.Options{
		Users: a.people, Clicks: clicker{a}, Calls: a.usercalls, Ready: a.Ready, Deny: a.denied, Log: a.log,
		Config: func() *vodia.Config { return shape.of(a.Config()) },
		Ended:  a.originator.AwaitEnd, Registered: a.reachable,
	})
	a.stack.push("click-to-dial", d.Stop)
	return d
}

// vodiaConfig translates the section [vodia], which has been checked.
func vodiaConfig(c *config.Config) *vodia.Config {
	v := c.Vodia
	return &vodia.Config{
		Realm: v.Realm, MaxLinkDuration: v.MaxLinkDuration.Duration, MaxClockSkew: v.MaxClockSkew.Duration,
		LinkReuse: v.LinkReuse, DedupeWindow: v.DedupeWindow.Duration,
		NoMD5Links: v.NoMD5Links, NoCredentialLinks: v.NoCredentialLinks, MD5Prompt: v.MD5Prompt,
		AllowPlainHTTP: v.AllowPlainHTTP, AllowSIPURI: v.AllowSIPURI,
		PromptRepeats: v.PromptRepeats, PromptInterval: v.PromptInterval.Duration, FailTone: v.FailTone.Duration,
		AllowedOrigins: v.AllowedOrigins, PublicHost: v.PublicHost, TrustedProxies: checked(v.TrustedProxies),
		SessionIdle: v.SessionIdle.Duration, SessionMax: v.SessionMax.Duration, TokenLife: v.TokenLife.Duration,
		PerMinute: v.PerMinute, MaxSockets: v.MaxSockets,
	}
}
