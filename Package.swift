// swift-tools-version: 6.0
import PackageDescription

/// A C library of the system: a module map and a `shim.h`, no logic.
func system(_ name: String, pkgConfig: String? = nil, apt: String) -> Target {
  .systemLibrary(
    name: name, path: "Sources/System/\(name)", pkgConfig: pkgConfig, providers: [.apt([apt])])
}

/// A room of the house; `docs/architecture.md` tells what each one holds.
func room(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .target(name: name, dependencies: dependencies)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .testTarget(name: name, dependencies: dependencies)
}

let package = Package(
  name: "caffe-swift",
  products: [
    .library(name: "Caffe", targets: ["Caffe"]),
    .executable(name: "caffe-swift", targets: ["caffe-swift"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/swhitty/FlyingFox", from: "0.27.1"),
  ],
  targets: [
    system("COpenBLAS", pkgConfig: "openblas", apt: "libopenblas-openmp-dev"),
    system("COneDNN", apt: "libdnnl-dev"),
    system("CHDF5", pkgConfig: "hdf5", apt: "libhdf5-dev"),
    system("CProtobufC", pkgConfig: "libprotobuf-c", apt: "libprotobuf-c-dev"),
    system("CLMDB", pkgConfig: "lmdb", apt: "liblmdb-dev"),
    system("CLevelDB", apt: "libleveldb-dev"),
    system("CTurboJPEG", pkgConfig: "libturbojpeg", apt: "libturbojpeg0-dev"),
    system("CPNG", pkgConfig: "libpng", apt: "libpng-dev"),
    system("CZlib", pkgConfig: "zlib", apt: "zlib1g-dev"),
    system("CMalloc", apt: "libc6-dev"),

    .target(name: "CaffeSchemaC", dependencies: ["CProtobufC"]),
    .target(name: "CaffeKernelsC", linkerSettings: [.linkedLibrary("gomp")]),

    room("CaffeErrors", []),
    room("CaffeSchema", ["CaffeErrors", "CaffeSchemaC", "CProtobufC"]),
    room("CaffeKernels", ["CaffeErrors", "CaffeKernelsC", "COpenBLAS", "COneDNN"]),
    room("CaffeCore", ["CaffeErrors", "CaffeKernels", "CaffeSchema", "CMalloc"]),
    room(
      "CaffeData",
      [
        "CaffeErrors", "CaffeCore", "CaffeKernels", "CaffeSchema", "CHDF5", "CLMDB", "CLevelDB",
        "CTurboJPEG", "CPNG", "CZlib",
      ]),
    room("CaffeLayers", ["CaffeErrors", "CaffeCore", "CaffeKernels", "CaffeSchema", "CaffeData"]),
    room(
      "CaffeNet",
      ["CaffeErrors", "CaffeCore", "CaffeKernels", "CaffeSchema", "CaffeData", "CaffeLayers"]),
    room(
      "CaffeSolver",
      [
        "CaffeErrors", "CaffeNet", "CaffeCore", "CaffeKernels", "CaffeSchema", "CaffeData",
        .product(name: "Logging", package: "swift-log"),
      ]),
    room(
      "CaffeInspect",
      [
        "CaffeErrors", "CaffeSolver", "CaffeNet", "CaffeLayers", "CaffeCore", "CaffeKernels",
        "CaffeSchema", "CaffeData",
      ]),
    room(
      "Caffe",
      [
        "CaffeErrors", "CaffeSchema", "CaffeKernels", "CaffeCore", "CaffeData", "CaffeLayers",
        "CaffeNet",
        "CaffeSolver", "CaffeInspect",
      ]),
    room(
      "CaffeDashboard",
      [
        "CaffeErrors", "CaffeInspect", "CaffeData", "CaffeSchema",
        .product(name: "FlyingFox", package: "FlyingFox"),
        .product(name: "FlyingSocks", package: "FlyingFox"),
      ]),
    .executableTarget(
      name: "caffe-swift",
      dependencies: [
        "Caffe", "CaffeDashboard",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
      ]),
    .target(
      name: "CaffeTestSupport",
      dependencies: [
        "CaffeErrors", "CaffeInspect", "CaffeNet", "CaffeCore", "CaffeLayers", "CaffeSchema",
        "CaffeData",
      ],
      path: "Tests/CaffeTestSupport"),
    .target(
      name: "CaffeFuzzFormats",
      dependencies: [
        "CaffeErrors", "CaffeInspect", "CaffeSolver", "CaffeNet", "CaffeData", "CaffeSchema",
        "CaffeTestSupport",
      ],
      path: "Tests/Fuzz/Formats"),

    tests("DamageTests", ["CaffeFuzzFormats", "CaffeTestSupport"]),
    tests("CaffeSchemaTests", ["CaffeErrors", "CaffeSchema", "CaffeTestSupport"]),
    tests(
      "CaffeKernelsTests", ["CaffeErrors", "CaffeKernels", "CaffeKernelsC", "CaffeTestSupport"]),
    tests(
      "CaffeCoreTests",
      ["CaffeErrors", "CaffeCore", "CaffeKernels", "CaffeSchema", "CaffeTestSupport"]),
    tests(
      "CaffeDataTests",
      ["CaffeErrors", "CaffeData", "CaffeCore", "CaffeSchema", "CaffeTestSupport"]),
    tests(
      "CaffeLayersTests",
      [
        "CaffeErrors", "CaffeLayers", "CaffeNet", "CaffeCore", "CaffeKernels", "CaffeSchema",
        "CaffeTestSupport",
      ]),
    tests(
      "CaffeNetTests",
      [
        "CaffeErrors", "CaffeNet", "CaffeCore", "CaffeKernels", "CaffeData", "CaffeLayers",
        "CaffeSchema", "CaffeTestSupport",
      ]),
    tests(
      "CaffeSolverTests",
      [
        "CaffeErrors", "CaffeSolver", "CaffeNet", "CaffeCore", "CaffeData", "CaffeSchema",
        "CaffeTestSupport",
      ]),
    tests(
      "CaffeInspectTests",
      [
        "CaffeErrors", "CaffeInspect", "CaffeSolver", "CaffeNet", "CaffeCore", "CaffeData",
        "CaffeSchema", "CaffeTestSupport",
      ]),
    tests(
      "CaffeDashboardTests",
      ["CaffeErrors", "CaffeDashboard", "CaffeInspect", "CaffeTestSupport"]),
    tests(
      "CommandLineTests", ["CaffeErrors", "CaffeKernels", "CaffeTestSupport", "CaffeData", "CHDF5"]),
    tests(
      "PrototxtTests",
      ["CaffeErrors", "CaffeSolver", "CaffeNet", "CaffeCore", "CaffeSchema", "CaffeTestSupport"]),
  ]
)

// Only scripts/fuzz knows how to link libFuzzer.
if Context.environment["CAFFE_FUZZ"] != nil {
  package.targets += [
    .systemLibrary(name: "CLibFuzzer", path: "Tests/Fuzz/CLibFuzzer"),
    .executableTarget(
      name: "caffe-fuzz", dependencies: ["CaffeData", "CaffeFuzzFormats", "CLibFuzzer"],
      path: "Tests/Fuzz/Harness"),
  ]
}
