// An MCP server whose tool comes with a page that ChatGPT shows. `go mod tidy`, then `go run .`.
package main

import (
	"context"
	_ "embed"
	"log"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

const page = "ui://widget/greeting.html"

//go:embed greeting.html
var html string

type greetInput struct {
	Name string `json:"name" jsonschema:"Whom to greet"`
}

type greetOutput struct {
	Greeting string `json:"greeting"`
}

func greet(_ context.Context, _ *mcp.CallToolRequest, input greetInput) (*mcp.CallToolResult, greetOutput, error) {
	return nil, greetOutput{Greeting: "Hello, " + input.Name + "!"}, nil
}

func readPage(context.Context, *mcp.ReadResourceRequest) (*mcp.ReadResourceResult, error) {
	contents := []*mcp.ResourceContents{{URI: page, MIMEType: "text/html+skybridge", Text: html}}
	return &mcp.ReadResourceResult{Contents: contents}, nil
}

func main() {
	server := mcp.NewServer(&mcp.Implementation{Name: "{{name}}", Version: "0.1.0"}, nil)
	server.AddResource(&mcp.Resource{Name: "greeting", URI: page, MIMEType: "text/html+skybridge"}, readPage)
	mcp.AddTool(server, &mcp.Tool{
		Meta:        mcp.Meta{"openai/outputTemplate": page},
		Name:        "greet",
		Title:       "Greet",
		Description: "Greets somebody by name.",
		Annotations: &mcp.ToolAnnotations{ReadOnlyHint: true},
	}, greet)
	if err := server.Run(context.Background(), &mcp.StdioTransport{}); err != nil {
		log.Fatal(err)
	}
}
