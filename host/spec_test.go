package host

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/hyundai-mqtt/hyundai-plugin/host/internal/launch"
	"github.com/hyundai-mqtt/hyundai-plugin/host/internal/workspace"
)

// TestOwnerOfDirectories: a process under a debugger is its developer's.
func TestOwnerOfDirectories(t *testing.T) {
	t.Parallel()
	assert.Equal(t, workspace.Plugin{Name: "p"}, PluginSpec{Name: "p"}.owner())
	assert.True(t, PluginSpec{SameUser: true}.owner().SameUser)
	assert.True(t, PluginSpec{Reattach: "{}"}.owner().SameUser)
	assert.Equal(t, &launch.User{UID: 7, GID: 8}, PluginSpec{User: &User{UID: 7, GID: 8}}.owner().User)
}
