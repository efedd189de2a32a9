package cloudsim

import (
	"math"
	"strconv"
	"time"
)

func round(f float64, digits int) float64 {
	scale := math.Pow10(digits)
	return math.Round(f*scale) / scale
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// positionBlock is the form that status and location answers share.
func (c *liveCar) positionBlock(s snapshot, zone *time.Location) object {
	return object{
		"coord": object{"lat": round(s.lat, 6), "lon": round(s.lon, 6), "alt": 0, "type": 0}, "head": int(s.heading),
		"speed": object{"value": int(s.speedKMH), "unit": 0}, "accuracy": object{"hdop": 0, "pdop": 0},
		"time": s.movedAt.In(zone).Format("20060102150405"),
	}
}

func (c *liveCar) targets() []object {
	target := func(plug int, level float64) object {
		return object{"plugType": plug, "targetSOClevel": int(level), "dte": object{
			"type": 2, "rangeByFuel": object{"totalAvailableRange": object{"value": c.rangeKM(level), "unit": 1}},
		}}
	}
	return []object{target(0, c.ChargeLimitDC), target(1, c.ChargeLimitAC)}
}

// statusCCS1 is the flat document; its time is local to the region.
func (c *liveCar) statusCCS1(s snapshot) object {
	doc := object{
		"time": s.at.In(c.zone).Format("20060102150405"), "engine": s.doing == Driving, "acc": s.doing == Driving,
		"doorLock": s.locked, "trunkOpen": false, "hoodOpen": false,
		"doorOpen":   object{"frontLeft": 0, "frontRight": 0, "backLeft": 0, "backRight": 0},
		"windowOpen": object{"frontLeft": 0, "frontRight": 0, "backLeft": 0, "backRight": 0},
		"airCtrlOn":  s.doing == Driving, "airTemp": object{"value": "0EH", "unit": 0, "hvacTempType": 1},
		"defrost": false, "steerWheelHeat": 0, "sideBackWindowHeat": 0, "sideMirrorHeat": 0,
		"seatHeaterVentState": object{"flSeatHeatState": 2, "frSeatHeatState": 2, "rlSeatHeatState": 2, "rrSeatHeatState": 2},
		"tirePressureLamp": object{
			"tirePressureLampAll": 0, "tirePressureLampFL": 0, "tirePressureLampFR": 0, "tirePressureLampRL": 0, "tirePressureLampRR": 0,
		},
		"lampWireStatus": object{
			"headLamp": object{"headLampStatus": 0, "leftLowLamp": 0, "rightLowLamp": 0, "leftHighLamp": 0, "rightHighLamp": 0, "leftBifuncLamp": 0, "rightBifuncLamp": 0},
			"stopLamp": object{"leftLamp": 0, "rightLamp": 0}, "turnSignalLamp": object{"leftFrontLamp": 0, "rightFrontLamp": 0, "leftRearLamp": 0, "rightRearLamp": 0},
		},
		"washerFluidStatus": false, "breakOilStatus": false, "smartKeyBatteryWarning": false, "sleepModeCheck": s.doing == Parked,
		"battery": object{"batSoc": int(s.auxSoC), "batState": 0}, "lowFuelLight": s.fuelLow(c.Type), "fuelLevel": s.fuelPercent(),
		"dte": object{"value": int(s.fuelL / litersPer100KM * 100), "unit": 1},
	}
	if c.hasPlug() {
		doc["evStatus"] = c.evStatus(s)
	}
	return doc
}

func (c *liveCar) hasPlug() bool { return c.Type == EV || c.Type == PHEV }

func (s state) fuelPercent() int { return int(math.Round(s.fuelL / tankLiters * 100)) }

func (s state) fuelLow(carType string) bool { return carType != EV && s.fuelPercent() < 10 }

func (c *liveCar) evStatus(s snapshot) object {
	electric, fuel := c.rangeKM(s.soc), int(s.fuelL/litersPer100KM*100)
	ranges := object{"evModeRange": object{"value": electric, "unit": 1}, "totalAvailableRange": object{"value": electric, "unit": 1}}
	if c.Type == PHEV {
		ranges["gasModeRange"] = object{"value": fuel, "unit": 1}
		ranges["totalAvailableRange"] = object{"value": electric + fuel, "unit": 1}
	}
	connector, door := 0, 2
	if s.plugged {
		connector, door = 3, 1
	}
	minutes := func(n int) object { return object{"value": n, "unit": 1} }
	off := func() object {
		return object{"reservChargeInfoDetail": object{
			"reservChargeSet": false, "reservInfo": object{"day": []int{9}, "time": object{"time": "0700", "timeSection": 0}},
			"reservFatcSet": object{"airCtrl": 0, "airTemp": object{"value": "0EH", "unit": 0, "hvacTempType": 1}, "defrost": false, "heating1": 0},
		}}
	}
	return object{
		"batteryCharge": s.charging, "batteryStatus": round(s.soc, 1), "batteryPlugin": connector, "chargePortDoorOpenStatus": door,
		"batteryPower": object{"batteryStndChrgPower": s.powerKW, "batteryFstChrgPower": 0.0},
		"drvDistance":  []object{{"type": 2, "rangeByFuel": ranges}},
		"remainTime2":  object{"atc": minutes(c.remainingMinutes(s.state)), "etc1": minutes(65535), "etc2": minutes(0), "etc3": minutes(c.remainingMinutes(s.state))},
		"reservChargeInfos": object{
			"reservFlag": 0, "targetSOClist": c.targets(), "reservChargeInfo": off(), "reserveChargeInfo2": off(),
			"offpeakPowerInfo": object{"offPeakPowerFlag": 0, "offPeakPowerTime1": object{
				"starttime": object{"time": "1000", "timeSection": 1}, "endtime": object{"time": "0600", "timeSection": 0},
			}},
		},
	}
}

// statusCCS2 is the nested document with its envelope; its Date is UTC.
func (c *liveCar) statusCCS2(s snapshot) object {
	utc := s.at.UTC()
	return object{
		"resCode": "0000", "ServiceNo": "V0001", "RetCode": "S",
		"lastUpdateTime": strconv.FormatInt(s.at.UnixMilli(), 10),
		"state": object{"Vehicle": object{
			"Date": utc.Truncate(time.Second).Format("20060102150405.000"), "Offset": "1", "DrivingReady": bit(s.doing == Driving), "Version": "CCU" + utc.Format("20060102150405"),
			"Location": c.locationCCS2(s), "Body": bodyCCS2(), "Cabin": cabinCCS2(s), "Chassis": chassisCCS2(),
			"Drivetrain": c.drivetrainCCS2(s), "Electronics": electronicsCCS2(s), "Green": c.greenCCS2(s),
			"RemoteControl": object{"SleepMode": bit(s.doing == Parked)},
			"Service":       object{"ConnectedCar": object{"RemoteControl": object{"Available": 1, "WaitingTime": 336}}},
		}},
	}
}

func (c *liveCar) locationCCS2(s snapshot) object {
	local := s.movedAt.In(c.zone)
	_, offset := local.Zone()
	return object{
		"Date":    s.movedAt.UTC().Format("20060102150405.000"),
		"Offset":  offset / 3600,
		"Heading": int(s.heading), "Speed": object{"Unit": 0, "Value": int(s.speedKMH)},
		"GeoCoord":  object{"Altitude": 0, "Latitude": round(s.lat, 6), "Longitude": round(s.lon, 6), "Type": 0},
		"TimeStamp": object{"Year": local.Year(), "Mon": int(local.Month()), "Day": local.Day(), "Hour": local.Hour(), "Min": local.Minute(), "Sec": local.Second()},
	}
}

func bodyCCS2() object {
	side := func() object {
		return object{"Low": object{"Warning": 0}, "High": object{"Warning": 0}, "TurnSignal": object{"Warning": 0}}
	}
	rear := func() object { return object{"StopLamp": object{"Warning": 0}, "TurnSignal": object{"Warning": 0}} }
	return object{
		"Hood": object{"Open": 0}, "Trunk": object{"Open": 0}, "Sunroof": object{"Glass": object{"Open": 0}},
		"Lights": object{
			"Front": object{"HeadLamp": object{"SystemWarning": 0}, "Left": side(), "Right": side()},
			"Rear":  object{"Left": rear(), "Right": rear()}, "Hazard": object{"Alert": 0}, "TailLamp": object{"Alert": 0},
		},
		"Windshield": object{
			"Front": object{"Defog": object{"State": 0}, "Heat": object{"State": 0}, "WasherFluid": object{"LevelLow": 0}},
			"Rear":  object{"Defog": object{"State": 0}},
		},
	}
}

func cabinCCS2(s snapshot) object {
	door := func() object { return object{"Open": 0, "Lock": bit(!s.locked)} } // inverted
	window := func() object { return object{"Open": 0, "OpenLevel": 0} }
	seat := func() object { return object{"Climate": object{"State": 2}} }
	temperature, blower := any("OFF"), 0
	if s.doing == Driving {
		temperature, blower = "21.0", 3
	}
	return object{
		"Door":          object{"Row1": object{"Driver": door(), "Passenger": door()}, "Row2": object{"Left": door(), "Right": door()}},
		"Window":        object{"Row1": object{"Driver": window(), "Passenger": window()}, "Row2": object{"Left": window(), "Right": window()}},
		"Seat":          object{"Row1": object{"Driver": seat(), "Passenger": seat()}, "Row2": object{"Left": seat(), "Right": seat()}},
		"SteeringWheel": object{"Heat": object{"State": 0}},
		"HVAC": object{
			"Row1":               object{"Driver": object{"Temperature": object{"Value": temperature, "Unit": 0}, "Blower": object{"SpeedLevel": blower}}},
			"OutsideTemperature": object{"Value": 14.5, "Unit": 0},
		},
	}
}

func chassisCCS2() object {
	tire := func(raw int) object { return object{"Tire": object{"PressureLow": 0, "Pressure": raw}} }
	return object{
		"DrivingMode": object{"State": "Normal"}, "Brake": object{"Fluid": object{"Warning": 0}},
		"Axle": object{
			"Row1": object{"Left": tire(49), "Right": tire(50)}, "Row2": object{"Left": tire(50), "Right": tire(50)},
			"Tire": object{"PressureLow": 0, "PressureUnit": 1},
		},
	}
}

func (c *liveCar) drivetrainCCS2(s snapshot) object {
	electric, fuel := c.rangeKM(s.soc), int(s.fuelL/litersPer100KM*100)
	dte := object{"Unit": 1, "Total": electric}
	switch c.Type {
	case PHEV:
		dte = object{"Unit": 1, "Total": electric + fuel, "EV": electric, "ICE": fuel}
	case HEV, ICE:
		dte = object{"Unit": 1, "Total": fuel}
	}
	return object{
		"Odometer": round(s.odometerKM, 1), "Transmission": object{"ParkingPosition": bit(s.doing != Driving), "GearPosition": 0},
		"FuelSystem": object{"DTE": dte, "FuelLevel": s.fuelPercent(), "LowFuelWarning": bit(s.fuelLow(c.Type))},
	}
}

func electronicsCCS2(s snapshot) object {
	on := bit(s.doing == Driving)
	return object{
		"Battery": object{"Level": int(s.auxSoC), "SensorReliability": 0, "Auxiliary": object{"FailWarning": 0}},
		"FOB":     object{"LowBattery": 0}, "PowerSupply": object{"Accessory": on, "Ignition1": on, "Ignition3": on},
		"AutoCut": object{"PowerMode": 2, "BatteryPreWarning": 0, "DeliveryMode": 2},
	}
}

func (c *liveCar) greenCCS2(s snapshot) object {
	if !c.hasPlug() {
		return object{}
	}
	soh := 100
	if c.Type == PHEV {
		soh = 0 // not measured
	}
	schedule := func() object {
		return object{"Enable": 0, "Hour": 7, "Min": 30, "Sun": 0, "Mon": 1, "Tue": 1, "Wed": 1, "Thu": 1, "Fri": 1, "Sat": 0}
	}
	remaining := c.remainingMinutes(s.state)
	return object{
		"DrivingReady": bit(s.doing == Driving), "ChargingDoor": object{"State": bit(s.plugged)},
		"BatteryManagement": object{
			"BatteryRemain":   object{"Ratio": round(s.soc, 1), "Value": int(s.soc / 100 * c.CapacityKWh * 3600)},
			"BatteryCapacity": object{"Value": int(c.CapacityKWh * 3600)}, "SoH": object{"Ratio": soh},
			"Temperature":  object{"Min": object{"Raw": 17}, "Max": object{"Raw": 19}},
			"HeatingState": 0, "BatteryConditioning": 0, "BatteryPreCondition": object{"Status": 2, "TemperatureLevel": 1},
		},
		"ChargingInformation": object{
			"ConnectorFastening": object{"State": bit(s.plugged)}, "Charging": object{"RemainTime": remaining},
			"EstimatedTime":        object{"Quick": 0, "ICCB": 0, "Standard": remaining},
			"ExpectedTime":         object{"StartDay": 7, "StartHour": 31, "StartMin": 63, "EndDay": 7, "EndHour": 31, "EndMin": 63},
			"TargetSoC":            object{"Standard": int(c.ChargeLimitAC), "Quick": int(c.ChargeLimitDC)},
			"DTE":                  object{"TargetSoC": object{"Standard": c.rangeKM(c.ChargeLimitAC), "Quick": c.rangeKM(c.ChargeLimitDC)}},
			"ElectricCurrentLevel": object{"State": 1}, "SequenceDetails": 12, "SequenceSubcode": 2,
		},
		"Electric": object{"SmartGrid": object{
			"RealTimePower": s.powerKW, "VehicleToGrid": object{"Mode": 0},
			"VehicleToLoad": object{"Mode": 0, "DischargeLimitation": object{"SoC": 20, "RemainTime": 0, "DTE": c.rangeKM(max(0, s.soc-20))}},
		}},
		"Reservation": object{
			"Departure":   object{"Schedule1": schedule(), "Schedule2": schedule(), "Climate": object{"Activation": 0, "Temperature": "21.0", "TemperatureHex": "0e", "TemperatureUnit": 0, "Defrost": 0}},
			"OffPeakTime": object{"StartHour": 31, "StartMin": 70, "EndHour": 31, "EndMin": 70, "Mode": 0},
		},
		"PowerConsumption": object{"Moment": object{"ClimateAirConditioning": 0, "BatteryCooling": 0, "BatteryHeater": 0}},
		"DrivingHistory":   object{"Average": kWhPer100KM, "Unit": 1},
	}
}
