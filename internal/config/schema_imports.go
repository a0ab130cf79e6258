package config

// Imports holds the bounds of lists that are uploaded to be called.
type Imports struct {
	// Largest file, in bytes. http.max_body does not count for it. Reload: live.
	MaxSize int64 `toml:"max_size"`
	// Most rows of a list. Reload: live.
	MaxRows int `toml:"max_rows"`
	// Most lists that an account may have at a time. Reload: live.
	MaxFiles int `toml:"max_files"`
	// How long lists are kept, with what became of each row; 0s = for ever. Their calls are
	// kept as retention says. Reload: live.
	Keep Duration `toml:"keep"`
}

// imports checks them.
func (v *validator) imports() {
	o := v.c.Imports
	if o.MaxSize < 1<<10 || o.MaxSize > 1<<30 {
		v.bad("imports.max_size", "%d is not between 1024 (1 KiB) and 1073741824 (1 GiB)", o.MaxSize)
	}
	v.within("imports.max_rows", o.MaxRows, 1, 1_000_000)
	v.within("imports.max_files", o.MaxFiles, 1, 1000)
	v.atLeast("imports.keep", o.Keep, 0)
}
