package app

import (
	"cmp"
	"net/url"
	"slices"
	"strings"

	"github.com/dialwright/dialwright/internal/config"
	"github.com/dialwright/dialwright/internal/door/rest"
)

// use is one text of a door.
func use(title, text string) rest.DoorUse { return rest.DoorUse{Title: title, Text: text} }

// doorTable lists every door, in the order of the README's table, which a test compares. Words
// in capitals stand for what only the reader knows: secrets are never filled in.
var doorTable = []door{
	{
		name: "rest", title: "REST /v1", page: "rest", setting: "http.listen",
		enabled: webAnd(func(*config.Config) bool { return true }), address: onWeb("/v1"),
		uses: func(s site) []rest.DoorUse {
			call := "curl -s " + s.web() + "/v1/calls -H 'Authorization: Bearer KEY' -H 'Content-Type: application/json' -d '{\"first\": \"" + s.phone + "\", \"second\": \"" + s.other + "\"}'"
			return []rest.DoorUse{
				use("Make a key", "dialwright key create crm --scope calls:write,calls:read,events:read"),
				use("Place a call", call),
				use("Follow events", "curl -sN '"+s.web()+"/v1/events?after=0' -H 'Authorization: Bearer KEY'"),
				use("Place a call (JavaScript)", "await fetch(\""+s.web()+"/v1/calls\", {\n  method: \"POST\",\n  headers: {Authorization: \"Bearer KEY\", \"Content-Type\": \"application/json\"},\n  body: JSON.stringify({first: \""+s.phone+"\", second: \""+s.other+"\"}),\n});"),
			}
		},
	},
	{
		name: "cli", title: "Command line", page: "cli", setting: "server.data_dir",
		enabled: func(*App, *config.Config) bool { return true }, address: control,
		uses: func(s site) []rest.DoorUse {
			return []rest.DoorUse{
				use("On this machine", "dialwright call "+s.phone+" "+s.other),
				use("From elsewhere", "dialwright --server "+s.web()+" --key KEY call "+s.phone+" "+s.other),
			}
		},
	},
	{
		name: "callfile", title: "Asterisk call files", page: "callfile", setting: "callfile.dir",
		enabled: func(_ *App, c *config.Config) bool { return c.Callfile.Dir != "" },
		address: func(_ *App, c *config.Config) string { return c.Callfile.Dir },
		uses: func(s site) []rest.DoorUse {
			return []rest.DoorUse{
				use("A call file", s.callFile()),
				use("Write one the safe way", "dialwright spool --dir "+s.spool()+" --channel PJSIP/"+s.phone+" --application Playback --data hello-world"),
			}
		},
	},
	{
		name: "ari", title: "Asterisk REST Interface", page: "ari", setting: "ari.users",
		enabled: webAnd(func(c *config.Config) bool { return c.ARI.Enabled && len(c.ARI.Users) > 0 }),
		address: func(a *App, c *config.Config) string { return onWeb(c.ARI.Prefix+"/ari")(a, c) },
		uses: func(s site) []rest.DoorUse {
			base := s.web() + s.c.ARI.Prefix + "/ari"
			return []rest.DoorUse{
				use("A user", "[ari.users."+first(s.c.ARI.Users, "crm")+"]\npassword = \"CHOOSE-ONE\""),
				use("Place a call into an application", "curl -u "+first(s.c.ARI.Users, "USER")+":PASSWORD -X POST '"+base+"/channels?endpoint=PJSIP/"+s.phone+"&app=hello'"),
				use("Events", "ws"+strings.TrimPrefix(base, "http")+"/events?app=hello&api_key=USER:PASSWORD"),
			}
		},
	},
	{
		name: "ami", title: "Asterisk Manager Interface", page: "ami", setting: "ami.users",
		enabled: func(a *App, _ *config.Config) bool { return a.ami != nil },
		address: func(a *App, _ *config.Config) string {
			if addrs := a.ami.Addrs(); len(addrs) > 0 {
				return a.seen(addrs[0].String())
			}
			return a.ownBase()
		},
		uses: func(s site) []rest.DoorUse {
			name := first(s.c.AMI.Users, "crm")
			return []rest.DoorUse{
				use("A user", "[ami.users."+name+"]\nsecret = \"CHOOSE-ONE\"\nread = [\"all\"]\nwrite = [\"originate\", \"call\", \"reporting\"]"),
				use("Log in and place a call", "Action: Login\nUsername: "+name+"\nSecret: SECRET\n\nAction: Originate\nChannel: PJSIP/"+s.phone+"\nContext: "+s.dialplanContext()+"\nExten: "+s.other+"\nPriority: 1\nAsync: true\n\n"),
			}
		},
	},
	{
		name: "asterisk-cli", trail: "cli", title: "Asterisk CLI dialect", page: "asterisk-cli", setting: "cli.socket",
		enabled: func(*App, *config.Config) bool { return true },
		address: func(a *App, c *config.Config) string { return cmp.Or(c.CLI.Socket, control(a, c)) },
		uses: func(s site) []rest.DoorUse {
			return []rest.DoorUse{
				use("A command", "dialwright rx \"core show channels concise\""),
				use("Place a call", "dialwright rx \"channel originate PJSIP/"+s.phone+" extension "+s.other+"@"+s.dialplanContext()+"\""),
				use("For scripts that call asterisk -rx", "ln -s /usr/local/bin/dialwright /usr/local/sbin/asterisk"),
			}
		},
	},
	{
		name: "dialproxy", title: "AstLinux dialproxy.php", page: "dialproxy", setting: "dialproxy.enabled",
		enabled: webAnd(func(c *config.Config) bool { return c.Dialproxy.Enabled }),
		address: func(a *App, c *config.Config) string {
			return onWeb(firstOf(c.Dialproxy.Paths, "/dialproxy.php"))(a, c)
		},
		uses: func(s site) []rest.DoorUse {
			at := s.web() + firstOf(s.c.Dialproxy.Paths, "/dialproxy.php")
			return []rest.DoorUse{
				use("A label", "dialwright database put actionlist DIALPROXY-office 'PJSIP/"+s.phone+"~context="+s.dialplanContext()+"'"),
				use("Dial", "curl --data-urlencode num="+s.other+" --data-urlencode ext=office "+at),
			}
		},
	},
	{
		name: "vodia", title: "Vodia: links, REST, WebSocket", page: "vodia", setting: "vodia.enabled",
		enabled: webAnd(func(c *config.Config) bool { return c.Vodia.Enabled }), address: onWeb("/remote_call.htm"),
		uses: func(s site) []rest.DoorUse {
			user := s.user()
			link := s.web() + "/remote_call.htm?user=" + url.QueryEscape(user) + "&dest=" + s.other
			return []rest.DoorUse{
				use("A link that asks for the password", link),
				use("Dial by REST", "curl -u "+user+":PASSWORD -d '{\"remote-dial\": \""+s.other+"\"}' "+s.web()+"/rest/user/"+url.PathEscape(user)+"/calls"),
				use("Numbers of a web page to click", "<script src=\""+s.web()+"/js/callback.js\"></script>\n<pbxcall number=\""+s.other+"\">"+s.other+"</pbxcall>"),
			}
		},
	},
	{
		name: "switchvox", title: "Switchvox call API, XML and JSON", page: "switchvox", setting: "switchvox.enabled",
		enabled: webAnd(func(c *config.Config) bool { return c.Switchvox.Enabled }), address: onWeb("/xml"),
		uses: func(s site) []rest.DoorUse {
			return []rest.DoorUse{
				use("Place a call (JSON)", "curl -s --digest -u USER:PASSWORD "+s.web()+"/json -d '{\"request\":{\"method\":\"switchvox.users.call\",\"parameters\":{\"dial_first\":\""+s.phone+"\",\"dial_second\":\""+s.other+"\"}}}'"),
				use("Place a call (XML)", "curl -s -u USER:PASSWORD "+s.web()+"/xml -d '<request method=\"switchvox.users.call\"><parameters><dial_first>"+s.phone+"</dial_first><dial_second>"+s.other+"</dial_second></parameters></request>'"),
			}
		},
	},
	{
		name: "console", title: "Web console", page: "console", setting: "console.enabled",
		enabled: func(a *App, _ *config.Config) bool { return a.console != nil && a.httpAddr != nil },
		address: func(a *App, _ *config.Config) string { return a.consoleBase() + "/console/" },
		uses: func(s site) []rest.DoorUse {
			return []rest.DoorUse{
				use("Log in once, without a password", "dialwright console"),
				use("A number, ready to be dialled", s.web()+"/console/#/dial?number="+s.other),
			}
		},
	},
	{
		name: "link", title: "Signed links", page: "links", setting: "links.enabled",
		enabled: func(a *App, _ *config.Config) bool { return a.links != nil && a.httpAddr != nil },
		address: func(a *App, _ *config.Config) string { return a.linkBase() + "/link/" },
		uses: func(s site) []rest.DoorUse {
			user := s.user()
			return []rest.DoorUse{
				use("Make one", "dialwright link create "+user+" "+s.other+" --expires 30d"),
				use("Make one by REST", "curl -s "+s.web()+"/v1/links -H 'Authorization: Bearer KEY' -H 'Content-Type: application/json' -d '{\"user\": \""+user+"\", \"number\": \""+s.other+"\"}'"),
				use("In a web page", "<a href=\""+s.web()+"/link/ID.SIGNATURE\">Call me back</a>"),
			}
		},
	},
	{
		name: "sip", title: "SIP phones and trunks", page: "configuration", setting: "sip.listen",
		enabled: func(a *App, _ *config.Config) bool { return len(a.sip.Listeners()) > 0 },
		address: func(a *App, _ *config.Config) string { return a.site().sip },
		uses: func(s site) []rest.DoorUse {
			return []rest.DoorUse{
				use("A phone", phoneTOML(s.newPhone())),
				use("What to enter in the phone", s.inPhone(s.phone)),
			}
		},
	},
}

// first names one of a table, or what stands for it.
func first[V any](m map[string]V, none string) string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	if len(names) == 0 {
		return none
	}
	return slices.Min(names)
}

func firstOf(list []string, none string) string {
	if len(list) == 0 {
		return none
	}
	return list[0]
}
