package admin

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"
)

// TestEveryRouteIsDescribed: what the routes do and answer is held against the description in package app.
func TestEveryRouteIsDescribed(t *testing.T) {
	t.Parallel()
	doc, err := openapi3.NewLoader().LoadFromData(openAPI)
	require.NoError(t, err)
	require.NoError(t, doc.Validate(t.Context()))
	var described []string
	for path, item := range doc.Paths.Map() {
		for method := range item.Operations() {
			if !slices.Contains([]string{"/api/v1/session", "/api/v1/openapi.yaml", "/api/v1/stream", "/api/v1/callbacks/audit"}, path) { // those that are wrapped otherwise
				described = append(described, method+" "+path)
			}
		}
	}
	slices.Sort(described)
	require.Equal(t, described, slices.Sorted(maps.Keys(new(api).routes())))

	for _, c := range []struct {
		schema string
		words  []string
	}{{"CallbackQueue", callbackQueues}, {"RangeQueue", rangeQueues}} {
		var words []string
		for _, word := range doc.Components.Schemas[c.schema].Value.Enum {
			words = append(words, fmt.Sprint(word))
		}
		require.Equal(t, c.words, words)
	}
	kinds := doc.Components.Schemas["Trouble"].Value.Properties["kind"].Value.Enum
	require.Len(t, kinds, len(troubleOrder))
	for i, kind := range troubleOrder {
		require.Equal(t, string(kind), kinds[i])
	}
	require.NotContains(t, strings.ToLower(string(openAPI)), "todo")
}
