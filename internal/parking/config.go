package parking

import (
	"errors"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/dialwright/dialwright/internal/wire/conf"
)

// FileName is the file that parking lots are configured in.
const FileName = "res_parking.conf"

// Config are the parking lots by their names. DefaultName always is among them.
type Config struct {
	Lots map[string]Lot
	At   map[string]conf.Origin // where each lot is written; the zero Origin: nowhere
}

// NewConfig gives the lots without a file.
func NewConfig() *Config {
	return &Config{Lots: map[string]Lot{DefaultName: DefaultLot()}, At: map[string]conf.Origin{}}
}

// Load reads res_parking.conf: each section but [general] is a lot. A file that
// is not there is no mistake. Mistakes are told with file and line and cost the
// option that they are in.
func Load(fsys fs.FS) (*Config, []conf.Problem, error) {
	c := NewConfig()
	if _, err := fs.Stat(fsys, FileName); errors.Is(err, fs.ErrNotExist) {
		return c, nil, nil
	}
	f, problems, err := conf.Load(fsys, FileName)
	if err != nil {
		return c, problems, err
	}
	seen := map[string]bool{}
	for _, s := range f.Sections {
		switch {
		case s.Hidden:
		case strings.EqualFold(s.Name, "general"):
			problems = append(problems, general(s)...)
		case seen[s.Name]:
			problems = append(problems, conf.Problem{Origin: s.Origin, Text: "the parking lot " + s.Name + " is written twice; this section is ignored"})
		default:
			seen[s.Name] = true
			problems = append(problems, c.section(s)...)
		}
	}
	return c, problems, nil
}

// LoadDir is Load for a directory, "" = none. What is wrong is told to warn,
// and leaves the lots that are there without a file.
func LoadDir(dir string, warn func(format string, args ...any)) *Config {
	if dir == "" {
		return NewConfig()
	}
	c, problems, err := Load(conf.Dir(dir))
	for _, p := range problems {
		warn("%s", p)
	}
	if err != nil {
		warn("%v; its parking lots are not there", err)
		return NewConfig()
	}
	return c
}

// general looks at the options for all lots, which are about making more of them.
func general(s *conf.Section) (problems []conf.Problem) {
	for _, l := range s.Lines {
		if conf.True(l.Value) || !strings.EqualFold(l.Key, "parkeddynamic") {
			problems = append(problems, conf.Problem{Origin: l.Origin, Text: l.Key + " " + errNoEffect.Error()})
		}
	}
	return problems
}

func (c *Config) section(s *conf.Section) (problems []conf.Problem) {
	lot := NewLot(s.Name)
	for _, l := range s.Lines {
		if err := lot.Set(l.Key, l.Value); err != nil {
			problems = append(problems, conf.Problem{Origin: l.Origin, Text: err.Error() + "; the line is ignored"})
		}
	}
	c.Lots[s.Name], c.At[s.Name] = lot, s.Origin
	return problems
}

// Names lists the lots, sorted.
func (c *Config) Names() []string { return slices.Sorted(maps.Keys(c.Lots)) }
