package main

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

// completionCmd prints a completion script.
type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Help is the long help.
func (completionCmd) Help() string {
	return "bash: source <(dialwright completion bash)   zsh: source <(dialwright completion zsh)   fish: dialwright completion fish | source"
}

// Run prints it.
func (c completionCmd) Run(e *env) error {
	root := e.parser.Model.Node
	switch c.Shell {
	case "bash":
		fmt.Fprint(e.stdout, bashScript(root))
	case "zsh":
		fmt.Fprint(e.stdout, "autoload -U +X bashcompinit && bashcompinit\n"+bashScript(root))
	case "fish":
		fmt.Fprint(e.stdout, fishScript(root))
	}
	return nil
}

// words lists what may follow a command: its subcommands and flags.
func words(n *kong.Node) []string {
	var out []string
	for _, c := range n.Children {
		if !c.Hidden {
			out = append(out, c.Name)
		}
	}
	for p := n; p != nil; p = p.Parent {
		for _, f := range p.Flags {
			if !f.Hidden {
				out = append(out, "--"+f.Name)
			}
		}
	}
	return out
}

// bashScript completes by the words before the cursor: the longest command
// that they name decides.
func bashScript(root *kong.Node) string {
	var b strings.Builder
	b.WriteString("_dialwright() {\n  local words cmd=\"\" w\n  for w in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n    case \"$cmd $w\" in\n")
	for _, c := range root.Children {
		fmt.Fprintf(&b, "      \" %s\") cmd=%q ;;\n", c.Name, c.Name)
		for _, s := range c.Children {
			fmt.Fprintf(&b, "      \"%s %s\") cmd=%q ;;\n", c.Name, s.Name, c.Name+" "+s.Name)
		}
	}
	b.WriteString("    esac\n  done\n  case \"$cmd\" in\n")
	row := func(name string, n *kong.Node) {
		fmt.Fprintf(&b, "    %q) words=%q ;;\n", name, strings.Join(words(n), " "))
	}
	row("", root)
	for _, c := range root.Children {
		row(c.Name, c)
		for _, s := range c.Children {
			row(c.Name+" "+s.Name, s)
		}
	}
	b.WriteString("  esac\n  mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"${COMP_WORDS[COMP_CWORD]}\")\n}\ncomplete -o default -F _dialwright dialwright\n")
	return b.String()
}

func fishScript(root *kong.Node) string {
	var b strings.Builder
	quote := func(s string) string { return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'" }
	for _, f := range root.Flags {
		fmt.Fprintf(&b, "complete -c dialwright -l %s -d %s\n", f.Name, quote(f.Help))
	}
	for _, c := range root.Children {
		fmt.Fprintf(&b, "complete -c dialwright -n __fish_use_subcommand -f -a %s -d %s\n", c.Name, quote(c.Help))
		for _, f := range c.Flags {
			fmt.Fprintf(&b, "complete -c dialwright -n '__fish_seen_subcommand_from %s' -l %s -d %s\n", c.Name, f.Name, quote(f.Help))
		}
		for _, s := range c.Children {
			fmt.Fprintf(&b, "complete -c dialwright -n '__fish_seen_subcommand_from %s' -f -a %s -d %s\n", c.Name, s.Name, quote(s.Help))
		}
	}
	return b.String()
}
