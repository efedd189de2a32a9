// Package host is what a hub links: it starts vehicle plugins as processes,
// keeps them alive, and offers each as a shared.VehicleRefresher. A restart of a
// plugin shows to callers only as time.
//
//	h, err := host.New(host.Options{Plugins: []host.PluginSpec{{
//		Name: "hyundai", Path: "/usr/local/lib/hub/hyundai-plugin", Settings: settings,
//	}}, StateDir: "/var/lib/hub"})
//	if err != nil { … }
//	if err := h.Start(ctx); err != nil { … }
//	defer h.Stop(stopCtx)
//	data, err := h.Plugin("hyundai").RefreshCached(ctx, id)
//
// Package host/mqtt bridges a Host to the hub's own MQTT client.
package host
