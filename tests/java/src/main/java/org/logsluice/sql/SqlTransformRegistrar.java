package org.logsluice.sql;

import java.util.Map;
import org.apache.beam.sdk.expansion.ExternalTransformRegistrar;
import org.apache.beam.sdk.extensions.sql.SqlTransform;
import org.apache.beam.sdk.transforms.ExternalTransformBuilder;
import org.apache.beam.sdk.transforms.PTransform;
import org.apache.beam.sdk.values.PCollection;
import org.apache.beam.sdk.values.PInput;
import org.apache.beam.sdk.values.Row;

/** Offers Beam SQL to other languages under the name by which Python's SqlTransform asks for it. */
public class SqlTransformRegistrar implements ExternalTransformRegistrar {

  private static final String URN = "beam:external:java:sql:v1";

  @Override
  @SuppressWarnings("rawtypes")
  public Map<String, ExternalTransformBuilder<?, ?, ?>> knownBuilderInstances() {
    return Map.of(URN, new Builder());
  }

  /** What Python sends: the statement; the dialect and the data definitions are optional. */
  public static class Request {
    private String query;
    private String ddl;

    public void setQuery(String query) {
      this.query = query;
    }

    /** Beam SQL has one dialect left. */
    public void setDialect(String dialect) {
      if (dialect != null && !dialect.equalsIgnoreCase("calcite")) {
        throw new IllegalArgumentException("the dialect is calcite, not " + dialect);
      }
    }

    public void setDdl(String ddl) {
      this.ddl = ddl;
    }
  }

  private static class Builder
      implements ExternalTransformBuilder<Request, PInput, PCollection<Row>> {
    @Override
    public PTransform<PInput, PCollection<Row>> buildExternal(Request request) {
      SqlTransform transform = SqlTransform.query(request.query);
      return request.ddl == null ? transform : transform.withDdlString(request.ddl);
    }
  }
}
