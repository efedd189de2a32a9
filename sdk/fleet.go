package sdk

import (
	"context"
	"strings"
	"unicode"

	vehiclev1 "github.com/hyundai-mqtt/hyundai-plugin/shared/vehicle/v1"
)

// longestID of a car, in bytes: ids stand in topics.
const longestID = 128

// usable leaves the cars out of a vendor's list that nobody could name: without an id, with
// one that cannot stand in a topic, or with another one's.
func (a *account) usable(ctx context.Context, vehicles []*vehiclev1.Vehicle) []*vehiclev1.Vehicle {
	var fleet []*vehiclev1.Vehicle
	seen := map[string]bool{}
	for _, v := range vehicles {
		if id := v.GetId(); validID(id) && !seen[id] {
			seen[id], fleet = true, append(fleet, v)
		}
	}
	if left := len(vehicles) - len(fleet); left > 0 {
		Logger(ctx).Error("cars of the vendor's list are left out, for they have no id of their own, or none that can stand in a topic", "cars", left)
	}
	return fleet
}

func validID(id string) bool {
	return id != "" && len(id) <= longestID && !strings.ContainsAny(id, "/+#$") && !strings.ContainsFunc(id, func(r rune) bool {
		return unicode.IsSpace(r) || !unicode.IsPrint(r)
	})
}
