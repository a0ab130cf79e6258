package conf

import "strings"

// header begins a section: [name], with (!), (+) and the names of templates in
// any order behind it (spec: dialplan 1.2).
func (l *loader) header(text string, at Origin) error {
	name, rest, ok := strings.Cut(text[1:], "]")
	if !ok {
		return &Error{Origin: at, Text: "the section has no closing \"]\""}
	}
	s := &Section{Origin: at, Name: name}
	added := false // s stands in the file already
	if options, ok := strings.CutPrefix(rest, "("); ok {
		options, _, ok = strings.Cut(options, ")")
		if !ok {
			return &Error{Origin: at, Text: "the options of the section have no closing \")\""}
		}
		for option := range strings.SplitSeq(options, ",") {
			switch option = trim(option); {
			case option == "":
			case option == "!":
				s.Hidden = true
			case option[0] == '+':
				if s = l.find(name); s == nil {
					return &Error{Origin: at, Text: "[" + name + "](+) has nothing to add to: there is no section [" + name + "] before it"}
				}
				added = true
			default:
				if err := l.inherit(s, option, at); err != nil {
					return err
				}
			}
		}
	} else if rest = trim(rest); rest != "" {
		l.warn(at, "what stands behind ["+name+"] is ignored: "+quote(rest))
	}
	if !added {
		l.file.Sections = append(l.file.Sections, s)
	}
	l.current = s
	return nil
}

// find gives the first section of a name, by exact name before any case.
func (l *loader) find(name string) *Section {
	var folded *Section
	for _, s := range l.file.Sections {
		if s.Name == name {
			return s
		}
		if folded == nil && strings.EqualFold(s.Name, name) {
			folded = s
		}
	}
	return folded
}

// inherit copies the lines of a template.
func (l *loader) inherit(s *Section, template string, at Origin) error {
	base := l.find(template)
	if base == nil {
		return &Error{Origin: at, Text: "[" + s.Name + "] is built on [" + template + "], but there is no such section before it"}
	}
	if l.lines += len(base.Lines); l.lines > maxLines {
		return &Error{Origin: at, Text: "too many lines, with those of templates"}
	}
	s.Lines = append(s.Lines, base.Lines...)
	return nil
}

// value takes a line "key => value", "key = value" or "key += value".
func (l *loader) value(text string, at Origin) error {
	if l.current == nil {
		return &Error{Origin: at, Text: "text before the first [section]"}
	}
	key, value, ok := strings.Cut(text, "=")
	if !ok {
		l.warn(at, "there is no \"=\" in "+quote(text)+"; the line is ignored")
		return nil
	}
	if l.lines++; l.lines > maxLines {
		return &Error{Origin: at, Text: "too many lines, with those of templates"}
	}
	value = strings.TrimPrefix(value, ">")
	key, appends := strings.CutSuffix(key, "+")
	line := Line{Origin: at, Key: trim(key), Value: trim(value)}
	if appends {
		if i := l.current.last(line.Key); i >= 0 {
			l.current.Lines[i].Value += line.Value
			return nil
		}
	}
	l.current.Lines = append(l.current.Lines, line)
	return nil
}
