package ingest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
	"github.com/go-enry/go-enry/v2"

	"github.com/confuse/data-connector/domain"
)

// DefaultMaxFileSize is maxFileSize where a source does not say.
const DefaultMaxFileSize = 1 << 20

// DefaultExcludes are left out of every source unless its option defaultExcludes
// is false: what version control, package managers and caches keep for
// themselves.
func DefaultExcludes() []string {
	return []string{
		"**/.git", "**/.hg", "**/.svn", "**/node_modules", "**/__pycache__", "**/.venv", "**/.tox",
		"**/.mypy_cache", "**/.pytest_cache", "**/.gradle", "**/.terraform", "**/.DS_Store",
	}
}

// A Filter says which items of a source are kept. It is the same for every
// connector, and immutable.
type Filter struct {
	include, exclude                   []string
	names                              map[string]bool // excludes of the form **/name, which need no matching
	includeLanguages, excludeLanguages []string
	maxSize                            int64 // bytes; 0: no limit
}

type filterConfig struct {
	IncludePaths     []string `json:"includePaths"`
	ExcludePaths     []string `json:"excludePaths"`
	DefaultExcludes  *bool    `json:"defaultExcludes"`
	IncludeLanguages []string `json:"includeLanguages"`
	ExcludeLanguages []string `json:"excludeLanguages"`
	MaxFileSize      *int64   `json:"maxFileSize"`
}

// NewFilter reads the filter options of a config that checkConfig has passed. The
// error is an InvalidError naming the option and its element.
func NewFilter(config json.RawMessage) (*Filter, error) {
	var c filterConfig
	if err := json.Unmarshal(config, &c); err != nil {
		return nil, &domain.InvalidError{Field: "config", Problem: "is not an object of options"}
	}
	f := &Filter{include: c.IncludePaths, maxSize: DefaultMaxFileSize}
	if c.MaxFileSize != nil {
		f.maxSize = *c.MaxFileSize
	}
	if err := checkGlobs("config.includePaths", c.IncludePaths); err != nil {
		return nil, err
	}
	if err := checkGlobs("config.excludePaths", c.ExcludePaths); err != nil {
		return nil, err
	}
	globs := c.ExcludePaths
	if c.DefaultExcludes == nil || *c.DefaultExcludes {
		globs = append(DefaultExcludes(), globs...)
	}
	f.addExcludes(globs)
	var err error
	if f.includeLanguages, err = languages("config.includeLanguages", c.IncludeLanguages); err != nil {
		return nil, err
	}
	f.excludeLanguages, err = languages("config.excludeLanguages", c.ExcludeLanguages)
	return f, err
}

func (f *Filter) addExcludes(globs []string) {
	f.names = map[string]bool{}
	for _, g := range globs {
		name := strings.TrimSuffix(strings.TrimPrefix(g, "**/"), "/**")
		if strings.HasPrefix(g, "**/") && !strings.ContainsAny(name, `/*?[]{}\`) {
			f.names[name] = true
		} else {
			f.exclude = append(f.exclude, g)
		}
	}
}

func checkGlobs(field string, globs []string) error {
	for i, g := range globs {
		if g == "" || strings.HasPrefix(g, "/") || !doublestar.ValidatePattern(g) || slices.Contains(strings.Split(g, "/"), "..") {
			return &domain.InvalidError{
				Field: fmt.Sprintf("%s[%d]", field, i), Problem: fmt.Sprintf("%q is not a glob", g),
				Allowed: "a path pattern relative to the root, without ..: * ? [a-z] {a,b} and ** across folders",
			}
		}
	}
	return nil
}

// languages gives the Linguist names of what users call languages.
func languages(field string, names []string) ([]string, error) {
	out := make([]string, len(names))
	for i, n := range names {
		language, ok := enry.GetLanguageByAlias(n)
		if !ok {
			return nil, &domain.InvalidError{
				Field: fmt.Sprintf("%s[%d]", field, i), Problem: fmt.Sprintf("unknown language %q", n),
				Allowed: "a language by its GitHub Linguist name or alias, e.g. Go, Python, TypeScript",
			}
		}
		out[i] = language
	}
	return out, nil
}

// Skips reports whether the paths leave out rawPath, and for a folder everything
// below it. A folder is never left out for not being included: a glob may match
// deeper down.
func (f *Filter) Skips(rawPath []byte, dir bool) bool {
	path := string(rawPath)
	for name := range strings.SplitSeq(path, "/") {
		if f.names[name] {
			return true
		}
	}
	for _, glob := range f.exclude {
		if matches(glob, path, dir) {
			return true
		}
	}
	if dir || len(f.include) == 0 {
		return false
	}
	return !slices.ContainsFunc(f.include, func(glob string) bool { return below(glob, path) })
}

// matches reports whether glob excludes path. A glob that names a folder, with or
// without /** behind it, excludes the folder and all below it.
func matches(glob, path string, dir bool) bool {
	if dir {
		glob = strings.TrimSuffix(glob, "/**")
		ok, _ := doublestar.Match(glob, path) // the glob was validated
		return ok
	}
	return below(glob, path)
}

// below reports whether path or a folder above it matches glob.
func below(glob, path string) bool {
	for p := path; ; {
		if ok, _ := doublestar.Match(glob, p); ok {
			return true
		}
		i := strings.LastIndexByte(p, '/')
		if i < 0 {
			return false
		}
		p = p[:i]
	}
}

// TooLarge reports whether size bytes are more than the source wants.
func (f *Filter) TooLarge(size int64) bool { return f.maxSize > 0 && size > f.maxSize }

// ByLanguage reports whether any language is left out.
func (f *Filter) ByLanguage() bool { return len(f.excludeLanguages)+len(f.includeLanguages) > 0 }

// SkipsLanguage reports whether a file of this language is left out; "" is a file
// without one, which only a list of languages to keep leaves out.
func (f *Filter) SkipsLanguage(language string) bool {
	return slices.Contains(f.excludeLanguages, language) ||
		len(f.includeLanguages) > 0 && !slices.Contains(f.includeLanguages, language)
}

// SkipsFile reports whether a file that is known is left out: the filter has
// become narrower.
func (f *Filter) SkipsFile(file domain.File) bool {
	return f.Skips(file.RawPath(), false) || f.SkipsLanguage(file.Language) ||
		file.Content != nil && f.TooLarge(file.Content.Size)
}
