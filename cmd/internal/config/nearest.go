package config

import (
	"slices"
	"strings"
)

// nearest is the one of names that may be meant by a misspelt one: one that is written almost
// like it, else the shortest one with all of its words. Empty: there is none.
func nearest(misspelt string, names []string) string {
	const farthest = 3
	best, least := "", farthest+1
	for _, name := range names {
		if d := distance(misspelt, name); d < least {
			best, least = name, d
		}
	}
	if best != "" {
		return best
	}
	for _, name := range names {
		if hasWords(name, misspelt) && (best == "" || len(name) < len(best)) {
			best = name
		}
	}
	return best
}

// hasWords reports whether a name has two or more words of another, all of them.
func hasWords(name, other string) bool {
	words := strings.Split(other, "_")
	of := strings.Split(name, "_")
	for _, w := range words {
		if !slices.Contains(of, w) {
			return false
		}
	}
	return len(words) > 1
}

// perhaps is the end of a sentence about a misspelt name.
func perhaps(misspelt string, names []string) string {
	if name := nearest(misspelt, names); name != "" {
		return "; perhaps " + name + " is meant"
	}
	return ""
}

// distance is how many letters have to be put in, taken out or replaced to make one word of
// another: Levenshtein's.
func distance(from, to string) int {
	row := make([]int, len(to)+1)
	for n := range row {
		row[n] = n
	}
	for i := range len(from) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(to) {
			replaced := diagonal
			if from[i] != to[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(to)]
}
