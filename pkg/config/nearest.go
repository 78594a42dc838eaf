package config

import "strings"

// suggest is the advice after an unknown name: the nearest known one, or all.
func suggest(name string, known []string) string {
	return nearestOr(name, known, "want "+strings.Join(known, ", "))
}

// nearestOr is the nearest known name as a question, or other advice when none is near.
func nearestOr(name string, known []string, other string) string {
	best, distance := "", 1+max(2, len(name)/3)
	for _, k := range known {
		if d := edits(strings.ToLower(name), strings.ToLower(k)); d < distance {
			best, distance = k, d
		}
	}
	if best == "" {
		return other
	}
	return "did you mean " + best + "?"
}

// edits counts the letters to insert, drop, replace or swap to make b of a.
func edits(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return len(a) + len(b)
	}
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			replace := rows[i-1][j-1]
			if a[i-1] != b[j-1] {
				replace++
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, replace)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
