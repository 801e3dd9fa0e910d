package importtest

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// pkg is what `go list -json` says of a package, as far as it matters here.
type pkg struct {
	ImportPath string
	Imports    []string
	Standard   bool
	Module     *struct{ Path string }
}

// faults returns one sentence for each import among pkgs that breaks the table, sorted. pkgs are the packages of the
// module together with everything they depend on.
func faults(pkgs []pkg) []string {
	byPath := make(map[string]pkg, len(pkgs))
	for _, p := range pkgs {
		byPath[p.ImportPath] = p
	}
	importers := map[string]map[string]bool{} // module from outside → packages of ours that import it
	var out []string
	for _, p := range pkgs {
		from, ours := below(p.ImportPath)
		if !ours {
			continue
		}
		row := roomOf(from)
		if row == nil {
			out = append(out, fmt.Sprintf("%s is not in the table: add a row to house in internal/importtest/house.go that says what it may import, and why", from))
			continue
		}
		for _, imported := range p.Imports {
			if to, ours := below(imported); ours {
				out = append(out, arrow(row, from, to)...)
				continue
			}
			dep := byPath[imported]
			if dep.Standard || dep.Module == nil {
				continue
			}
			if slices.Contains(standardOnly, from) {
				out = append(out, fmt.Sprintf("%s → %s: %s stands on the standard library alone; put the code that needs the library into another room", from, imported, from))
				continue
			}
			if strings.HasPrefix(dep.Module.Path, "golang.org/x/") || conformance(from) {
				continue
			}
			if importers[dep.Module.Path] == nil {
				importers[dep.Module.Path] = map[string]bool{}
			}
			importers[dep.Module.Path][from] = true
		}
	}
	for vendor, packages := range importers {
		out = append(out, vendorFaults(vendor, slices.Sorted(maps.Keys(packages)))...)
	}
	slices.SortFunc(out, cmp.Compare[string])
	return out
}

// conformance says that a package is a test that other packages run, as httptest's neighbours are: it is free to import
// what tests import.
func conformance(pkg string) bool {
	return strings.HasSuffix(pkg, "test") && pkg != "internal/importtest"
}

// arrow returns the fault in from → to, if there is one. row is from's.
func arrow(row *room, from, to string) []string {
	if strings.HasPrefix(to, "cmd/") {
		return []string{fmt.Sprintf("%s → %s: nothing imports cmd; move what is needed into a room of its own", from, to)}
	}
	if only, ok := guarded[to]; ok && from != only {
		return []string{fmt.Sprintf("%s → %s: only %s imports %s; declare the interface you need in %s and let %s pass the store in", from, to, only, to, from, only)}
	}
	if row.allows(to) {
		return nil
	}
	may := "nothing of this module"
	if len(row.may) > 0 {
		may = strings.Join(row.may, ", ")
	}
	return []string{fmt.Sprintf("%s → %s: %s. It may import %s. Declare a small interface in %s for cmd/weir to fill, or change the table in internal/importtest/house.go in the same commit and say why", from, to, row.why, may, from)}
}

// vendorFaults returns the faults in who imports the module vendor.
func vendorFaults(vendor string, packages []string) []string {
	home, known := vendors[vendor]
	if !known {
		return []string{fmt.Sprintf("%s is imported by %s but is not in the table of vendors: a dependency is weighed first; then name the one package it lives behind in internal/importtest/house.go", vendor, strings.Join(packages, ", "))}
	}
	var out []string
	for _, p := range packages {
		if p != home {
			out = append(out, fmt.Sprintf("%s → %s: that library lives behind %s alone; use what %s offers, or an interface it can satisfy", p, vendor, home, home))
		}
	}
	return out
}
