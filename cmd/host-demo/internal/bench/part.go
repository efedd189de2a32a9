package bench

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
)

// Parts of what is measured are processes of this program, which get their settings in
// this variable of their environment.
const partEnv = "BENCH_PART"

// part prepares the process of a part. Who starts it stops it.
func (o *Options) part(name string, settings any) (*exec.Cmd, error) {
	env, err := json.Marshal(settings)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(o.Program, "bench", name) //nolint:gosec,noctx // this program itself; it ends with stop
	cmd.Env = append(os.Environ(), partEnv+"="+string(env))
	return cmd, nil
}

// partSettings reads the settings of the process of a part.
func partSettings(lookup func(string) string, settings any) error {
	if err := json.Unmarshal([]byte(lookup(partEnv)), settings); err != nil {
		return errors.New("this is for host-demo bench itself to start")
	}
	return nil
}
