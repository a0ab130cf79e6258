package conference

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/dialwright/dialwright/internal/wire/conf"
)

// Config are the profiles of confbridge.conf. The profiles default_bridge,
// default_user and default_menu always exist.
type Config struct {
	Bridges map[string]BridgeProfile
	Users   map[string]UserProfile
	Menus   map[string]Menu
}

// The names of the profiles that are used when none is named.
const (
	DefaultBridgeName = "default_bridge"
	DefaultUserName   = "default_user"
	DefaultMenuName   = "default_menu"
)

// NewConfig gives the profiles without a file.
func NewConfig() *Config {
	return &Config{
		Bridges: map[string]BridgeProfile{DefaultBridgeName: DefaultBridge()},
		Users:   map[string]UserProfile{DefaultUserName: DefaultUser()},
		Menus:   map[string]Menu{DefaultMenuName: {}},
	}
}

// Load reads confbridge.conf. A file that is not there is no mistake. Mistakes
// are told with file and line and cost the option or section they are in.
func Load(fsys fs.FS) (*Config, []conf.Problem, error) {
	c := NewConfig()
	if _, err := fs.Stat(fsys, "confbridge.conf"); errors.Is(err, fs.ErrNotExist) {
		return c, nil, nil // the file itself: one that it includes must be there
	}
	f, problems, err := conf.Load(fsys, "confbridge.conf")
	if err != nil {
		return c, problems, err
	}
	for _, s := range f.Sections {
		if s.Hidden || strings.EqualFold(s.Name, "general") {
			continue
		}
		problems = append(problems, c.section(s)...)
	}
	return c, problems, nil
}

// LoadDir is Load for a directory, "" = none. What is wrong is told to warn,
// and leaves the profiles that are there without a file.
func LoadDir(dir string, warn func(format string, args ...any)) *Config {
	if dir == "" {
		return NewConfig()
	}
	c, problems, err := Load(os.DirFS(dir))
	for _, p := range problems {
		warn("%s:%d: %s", p.File, p.Line, p.Text)
	}
	if err != nil {
		warn("confbridge.conf: %v; its profiles are not there", err)
		return NewConfig()
	}
	return c
}

func (c *Config) section(s *conf.Section) (problems []conf.Problem) {
	kind, _ := s.Get("type")
	bridge, user, menu := DefaultBridge(), DefaultUser(), Menu{}
	set := bridge.Set
	switch strings.ToLower(kind) {
	case "bridge":
	case "user":
		set = user.Set
	case "menu":
		set = func(key, value string) error {
			if strings.EqualFold(key, "template") {
				from, ok := c.Menus[value]
				if !ok {
					return fmt.Errorf("there is no menu %q", value)
				}
				menu = from
				return nil
			}
			return menu.Set(key, value)
		}
	default:
		return []conf.Problem{{Origin: s.Origin, Text: fmt.Sprintf("section %s has no type bridge, user or menu; it is ignored", s.Name)}}
	}
	for _, l := range s.Lines {
		if strings.EqualFold(l.Key, "type") {
			continue
		}
		if err := set(l.Key, l.Value); err != nil {
			problems = append(problems, conf.Problem{Origin: l.Origin, Text: err.Error() + "; the line is ignored"})
		}
	}
	switch strings.ToLower(kind) {
	case "bridge":
		c.Bridges[s.Name] = bridge
	case "user":
		c.Users[s.Name] = user
	default:
		c.Menus[s.Name] = menu
	}
	return problems
}
