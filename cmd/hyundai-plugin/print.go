package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

func login(_ context.Context, s *session, o options, w io.Writer) error {
	if o.json {
		return printJSON(w, map[string]any{"logged_in": true, "vehicles": len(s.cars)})
	}
	_, err := fmt.Fprintf(w, "Logged in; the account has %d vehicle(s). The session is stored: the service takes it up within seconds.\n", len(s.cars))
	if len(s.cars) == 0 {
		_, err = fmt.Fprintln(w, noCars)
	}
	return err
}

// noCars is for an account that may be another brand's.
const noCars = "There are no cars of this brand in the account. A login works with the wrong brand, too: look at HYUNDAI_BRAND."

func vehicles(_ context.Context, s *session, o options, w io.Writer) error {
	if o.json {
		list := make([]json.RawMessage, len(s.cars))
		for i, car := range s.cars {
			var err error
			if list[i], err = toJSON(car); err != nil {
				return err
			}
		}
		return printJSON(w, list)
	}
	if len(s.cars) == 0 {
		_, err := fmt.Fprintln(w, noCars)
		return err
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "VEHICLE\tNAME\tMODEL\tENGINE\tPROTOCOL")
	for _, car := range s.cars {
		protocol := "CCS1"
		if car.GetCcs2Support() != 0 {
			protocol = "CCS2"
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", car.GetId(), car.GetName(), car.GetModel(), shared.Word(car.GetEngineType()), protocol)
	}
	return table.Flush()
}

func refresh(ctx context.Context, s *session, vehicle string, o options, w io.Writer) error {
	ctx = shared.WithCallInfo(ctx, shared.CallInfo{Override: o.override})
	if o.dryRun {
		return preview(ctx, s, vehicle, o, w)
	}
	data, err := shared.Refresh(ctx, s.engine, shared.Mode(o.mode), vehicle, shared.DefaultMaxAge)
	if err != nil {
		return err
	}
	if o.json {
		body, err := toJSON(data)
		if err != nil {
			return err
		}
		return printJSON(w, body)
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for a, v := range shared.Values(data) {
		_, _ = fmt.Fprintf(table, "%s\t%s\n", a.Info.GetName(), words(v, a.Info))
	}
	return table.Flush()
}

// words is a value for people.
func words(v any, info *vehiclev1.Attribute) string {
	switch v := v.(type) {
	case time.Time:
		return v.Local().Format("2006-01-02 15:04:05")
	case shared.Choice:
		return v.Word
	case []string:
		return strings.Join(v, " ")
	case json.RawMessage:
		return string(v)
	case float64:
		return strings.TrimSpace(strconv.FormatFloat(v, 'f', -1, 64) + " " + info.GetUnit())
	case bool:
		if v {
			return "yes"
		}
		return "no"
	}
	return strings.TrimSpace(fmt.Sprint(v) + " " + info.GetUnit())
}

func toJSON(m proto.Message) (json.RawMessage, error) {
	return protojson.MarshalOptions{UseProtoNames: true}.Marshal(m)
}

// preview says what a refresh would do.
func preview(ctx context.Context, s *session, vehicle string, o options, w io.Writer) error {
	p, err := s.engine.Preview(ctx, shared.Mode(o.mode), vehicle, shared.DefaultMaxAge)
	if err != nil {
		return err
	}
	if o.json {
		body, err := toJSON(p)
		if err != nil {
			return err
		}
		return printJSON(w, body)
	}

	wakes, left := "would not wake the car", "no limit is set"
	if p.GetWakes() {
		wakes = "would wake the car"
	}
	if p.Left != nil {
		left = fmt.Sprintf("%d are left today", p.GetLeft())
	}
	_, _ = fmt.Fprintf(w, "It %s. It costs about %d request(s) of the vendor's; %s.\n", wakes, p.GetPrice(), left)
	refusal := p.GetRefusal()
	if refusal == nil {
		return nil
	}
	rule := ""
	if refusal.GetRule() != "" {
		rule = ", " + refusal.GetRule()
	}
	_, _ = fmt.Fprintf(w, "It would be refused (%s%s): %s\n", refusal.GetReason(), rule, refusal.GetSentence())
	if refusal.AllowedAt != nil {
		_, _ = fmt.Fprintf(w, "It would be allowed at %s.\n", time.UnixMilli(refusal.GetAllowedAt()).Local().Format("2006-01-02 15:04:05"))
	}
	return nil
}

func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
