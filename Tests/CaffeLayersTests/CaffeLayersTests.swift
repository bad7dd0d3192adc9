// CaffeLayersTests
