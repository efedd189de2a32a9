package host

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestOwners(t *testing.T) {
	t.Parallel()
	cars := func(ids ...string) map[string]bool {
		all := map[string]bool{}
		for _, id := range ids {
			all[id] = true
		}
		return all
	}
	o := newOwners(3)
	assert.Negative(t, o.of("a"))

	assert.Empty(t, o.list(1, cars("a", "b")))
	assert.Equal(t, 1, o.of("a"), "nobody before it lists the car")
	assert.Equal(t, []refusal{{plugin: 2, owner: 1, vehicles: 1, first: "b"}}, o.list(2, cars("b", "c")))

	assert.Equal(t, []refusal{{plugin: 1, owner: 0, vehicles: 1, first: "a"}}, o.list(0, cars("a")), "it comes before who had the car so far")
	assert.Zero(t, o.of("a"))
	own, others := o.count(1)
	assert.Equal(t, []int{1, 1}, []int{own, others})

	assert.Empty(t, o.list(2, cars("b", "c")), "each claim is told once")
	assert.Empty(t, o.list(0, cars("a")))
	assert.Empty(t, o.list(0, nil))
	assert.Equal(t, 1, o.of("a"), "who had it has given it up")
	assert.Equal(t, 2, o.of("c"))
}

// TestOwnersOfBefore: who had a car has it until its plugin has said what it has now.
func TestOwnersOfBefore(t *testing.T) {
	t.Parallel()
	o := newOwners(3)
	o.keep(map[string]int{"a": 1, "b": 1, "c": 2})
	assert.Equal(t, 1, o.of("a"))
	assert.Equal(t, []refusal{{plugin: 2, owner: 1, vehicles: 1, first: "a"}}, o.list(2, map[string]bool{"a": true}))
	assert.Equal(t, 1, o.of("a"), "its plugin is only slower")
	assert.Negative(t, o.of("c"), "its plugin has it no more")
	assert.Empty(t, o.list(0, map[string]bool{"b": true}))
	assert.Zero(t, o.of("b"), "who comes first in the options needs not wait")
	assert.Equal(t, map[string]int{"a": 1, "b": 0}, o.all())

	o.list(1, nil)
	assert.Equal(t, 2, o.of("a"))
	assert.Equal(t, map[string]int{"a": 2, "b": 0}, o.all())
}
