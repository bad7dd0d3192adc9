@_exported import CaffeCore
@_exported import CaffeData
@_exported import CaffeErrors
@_exported import CaffeKernels
@_exported import CaffeLayers
@_exported import CaffeNet
@_exported import CaffeSchema
@_exported import CaffeSolver
