package ccs

import (
	"context"

	"google.golang.org/protobuf/proto"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/internal/field"
	"github.com/hyundai-mqtt/hyundai-plugin/sdk"
	"github.com/hyundai-mqtt/hyundai-plugin/shared"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// Vehicles implements [sdk.Vendor]. It follows docs/protocol-europe.md, section
// "Vehicle list".
func (c *Client) Vehicles(ctx context.Context) ([]*vehiclev1.Vehicle, error) {
	doc, err := c.api.call(ctx, apiCall{path: c.opts.Profile.Paths.Vehicles, what: "vehicle list"})
	if err != nil {
		return nil, err
	}
	list := doc.At("resMsg.vehicles")
	if !list.IsList() {
		return nil, shared.Errorf(shared.ReasonInvalidResponse, "The vendor's answer holds no vehicle list.")
	}
	var vehicles []*vehiclev1.Vehicle
	for _, entry := range list.List() {
		id, ok := entry.At("vehicleId").NonEmptyText()
		if !ok {
			sdk.Logger(ctx).Warn("a vehicle without an id in the list was left out")
			continue
		}
		vehicles = append(vehicles, c.vehicle(id, entry))
	}
	if len(vehicles) == 0 {
		sdk.Logger(ctx).Warn("the account has no cars of this brand: a login works with the wrong brand, too; look at the setting brand (HYUNDAI_BRAND)",
			"brand", string(c.opts.Profile.Brand))
	}
	c.Recall(vehicles)
	if len(vehicles) > 0 { // an empty list may be a fault, and removes nothing
		ids := make([]string, len(vehicles))
		for i, v := range vehicles {
			ids[i] = v.GetId()
		}
		c.histories.forget(ids)
		c.traits.forget(ids)
	}
	return vehicles, nil
}

// Recall implements [sdk.Recaller].
func (c *Client) Recall(vehicles []*vehiclev1.Vehicle) {
	cars, vins := make(map[string]car, len(vehicles)), make([]string, 0, len(vehicles))
	for _, v := range vehicles {
		vins = append(vins, v.GetVin())
		cars[v.GetId()] = c.carOf(c.traits.flag(v.GetId(), v.GetCcs2Support()), v.GetEngineType())
	}
	c.opts.Redactor.Learn(vins...)
	c.mu.Lock()
	c.cars = cars
	c.mu.Unlock()
}

func (c *Client) vehicle(id string, entry field.Object) *vehiclev1.Vehicle {
	ccs2, ok := entry.At("ccuCCS2ProtocolSupport").Code()
	if !ok {
		ccs2 = 0 // very old cars have no such field
	}
	name, named := entry.At("nickname").NonEmptyText()
	model, hasModel := entry.At("vehicleName").NonEmptyText()
	if !named {
		name, named = model, hasModel
	}
	return &vehiclev1.Vehicle{
		Id:                    id,
		Vin:                   field.Opt(entry.At("vin").NonEmptyText()),
		Name:                  field.Opt(name, named),
		Brand:                 proto.String(string(c.opts.Profile.Brand)),
		Model:                 field.Opt(model, hasModel),
		ModelYear:             field.Opt(entry.At("year").Int32()),
		RegistrationDate:      field.Opt(entry.At("regDate").NonEmptyText()),
		Ccs2Support:           &ccs2,
		EngineType:            engineType(entry.At("type")),
		Enabled:               proto.Bool(true),
		TimeZone:              proto.String(c.opts.Profile.ZoneName),
		SupportsWindowControl: proto.Bool(c.opts.Profile.Protocol.Windows),
		SupportsValetMode:     proto.Bool(c.opts.Profile.Protocol.Valet),
	}
}

func engineType(o field.Object) *vehiclev1.EngineType {
	switch text, _ := o.NonEmptyText(); text {
	case "GN":
		return vehiclev1.EngineType_ENGINE_TYPE_ICE.Enum()
	case "EV":
		return vehiclev1.EngineType_ENGINE_TYPE_EV.Enum()
	case "PHEV", "PE":
		return vehiclev1.EngineType_ENGINE_TYPE_PHEV.Enum()
	case "HV":
		return vehiclev1.EngineType_ENGINE_TYPE_HEV.Enum()
	}
	return nil
}
