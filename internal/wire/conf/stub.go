package conf

import "io/fs"

func get(s *Section, key string) (string, bool)              { panic("stub") }
func load(fsys fs.FS, name string) (*File, []Problem, error) { panic("stub") }
