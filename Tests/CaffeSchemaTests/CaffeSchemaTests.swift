// CaffeSchemaTests
