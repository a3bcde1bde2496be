// Prints saved responses as a program built on the Go SDK does:
//
//	print TYPE FILE.json     one of them
//	print - FILE             many: lines of TYPE, tab, JSON become lines of Base64
package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/huaweicloud/huaweicloud-sdk-go-v3/services/cce/v3/model"
)

func response(name string, data string) interface{} {
	types := map[string]interface{}{
		"ShowAutopilotPreCheckResponse":      &model.ShowAutopilotPreCheckResponse{},
		"ShowPreCheckResponse":               &model.ShowPreCheckResponse{},
		"ListAutopilotPreCheckTasksResponse": &model.ListAutopilotPreCheckTasksResponse{},
		"ListPreCheckTasksResponse":          &model.ListPreCheckTasksResponse{},
		"CreateAutopilotPreCheckResponse":    &model.CreateAutopilotPreCheckResponse{},
		"CreatePreCheckResponse":             &model.CreatePreCheckResponse{},
	}
	if err := json.Unmarshal([]byte(data), types[name]); err != nil {
		panic(err)
	}
	return types[name]
}

func main() {
	data, err := os.ReadFile(os.Args[2])
	if err != nil {
		panic(err)
	}
	if os.Args[1] != "-" {
		fmt.Printf("%+v\n", response(os.Args[1], string(data)))
		return
	}
	for _, line := range strings.Split(strings.TrimSuffix(string(data), "\n"), "\n") {
		parts := strings.SplitN(line, "\t", 2)
		printed := fmt.Sprintf("%+v\n", response(parts[0], parts[1]))
		fmt.Println(base64.StdEncoding.EncodeToString([]byte(printed)))
	}
}
