package history

import (
	"cmp"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/hyundai-mqtt/hyundai-plugin/plugin/internal/field"
	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// Bounds of what a car can have used or driven; beyond them is garbage.
const (
	maxWattHours = 1e9
	maxDistance  = 1e7
	// maxDays of daily figures that are kept, the newest.
	maxDays = 62
)

// last30Days is the code of the entry that sums up 30 days.
const last30Days = 0

// Consumption reads the answers for all time and for 30 days. Energies are Wh,
// distances in the car's unit. It is nil if there is nothing in them.
func Consumption(all, month field.Object, unit vehiclev1.DistanceUnit) *vehiclev1.Consumption {
	total := all.At("drivingInfo.0")
	c := &vehiclev1.Consumption{
		EnergyConsumed:    energy(total, "totalPwrCsp"),
		EnergyRegenerated: energy(total, "regenPwr"),
		EnergyDrive:       energy(total, "motorPwrCsp"),
		EnergyClimate:     energy(total, "climatePwrCsp"),
		EnergyElectronics: energy(total, "eDPwrCsp"),
		EnergyBatteryCare: energy(total, "batteryMgPwrCsp"),
		Distance:          distance(total, unit),
		Average_30D:       average(month.At("drivingInfo"), unit),
		Daily:             daily(month.At("drivingInfoDetail"), unit),
	}
	if proto.Size(c) == 0 {
		return nil
	}
	return c
}

// energy in Wh.
func energy(entry field.Object, name string) *float64 {
	return field.Opt(entry.At(name).NumberIn(0, maxWattHours))
}

// distance in km. The name of the odometer's share comes in several spellings.
func distance(entry field.Object, unit vehiclev1.DistanceUnit) *float64 {
	return kilometers(entry.Fold("calculativeOdo"), unit)
}

// kilometers reads a distance, or a speed, in the car's unit.
func kilometers(value field.Object, unit vehiclev1.DistanceUnit) *float64 {
	f, ok := value.NumberIn(0, maxDistance)
	if unit == vehiclev1.DistanceUnit_DISTANCE_UNIT_MILES {
		f *= field.KilometersPerMile
	}
	return field.Opt(f, ok)
}

// average is Wh per km over 30 days; without a distance there is none.
func average(entries field.Object, unit vehiclev1.DistanceUnit) *float64 {
	for _, entry := range entries.List() {
		if period, ok := entry.At("drivingPeriod").Code(); !ok || period != last30Days {
			continue
		}
		wattHours, km := energy(entry, "totalPwrCsp"), distance(entry, unit)
		if wattHours != nil && km != nil && *km > 0 {
			return field.Opt(*wattHours / *km, true)
		}
		return nil
	}
	return nil
}

// daily is newest first. What has no date is no day.
func daily(entries field.Object, unit vehiclev1.DistanceUnit) []*vehiclev1.DailyDrivingStats {
	var days []*vehiclev1.DailyDrivingStats
	for _, entry := range entries.List() {
		date, ok := entry.At("drivingDate").Date()
		if !ok {
			continue
		}
		days = append(days, &vehiclev1.DailyDrivingStats{
			Date:                          date,
			TotalConsumed:                 energy(entry, "totalPwrCsp"),
			EngineConsumption:             energy(entry, "motorPwrCsp"),
			ClimateConsumption:            energy(entry, "climatePwrCsp"),
			OnboardElectronicsConsumption: energy(entry, "eDPwrCsp"),
			BatteryCareConsumption:        energy(entry, "batteryMgPwrCsp"),
			RegeneratedEnergy:             energy(entry, "regenPwr"),
			Distance:                      distance(entry, unit),
		})
	}
	slices.SortStableFunc(days, func(a, b *vehiclev1.DailyDrivingStats) int { return cmp.Compare(b.GetDate(), a.GetDate()) })
	return days[:min(len(days), maxDays)]
}
