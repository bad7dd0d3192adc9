/// Where this package lies on the machine that runs its tests.
public enum PackageFolder {
  private static let root = #filePath.split(separator: "/", omittingEmptySubsequences: false)
    .dropLast(3).joined(separator: "/")

  /// The path of a file named from the package's top, such as `Tests/Goldens/layers.h5`.
  public static func path(_ name: String) -> String { root + "/" + name }
}
