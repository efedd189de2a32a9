package host

import (
	"context"

	"github.com/hyundai-mqtt/hyundai-plugin/host/internal/run"
)

// description is what a process says that it is, as short texts without secrets.
type description struct{ vendor, version string }

// describe asks a process what it is, and tells the supervisor. A plugin that does not
// answer stays without a description; its end, or its probe, tells the rest.
func (s *supervisor) describe(i *run.Instance) {
	ctx, cancel := context.WithTimeout(s.life, s.opts.ProbeTimeout)
	defer cancel()
	d, err := i.Remote().Describe(ctx)
	if err != nil {
		return
	}
	s.send(selfDescribed{about{i}, description{
		vendor: shortText(d.GetVendor(), s.redactor), version: shortText(d.GetVersion(), s.redactor),
	}})
}
