//! The published JSON Schemas say what the reports are. They are made of the structs, and tests hold them to it.

use super::{json, refusals, sample, v1};
use boon::{Compiler, Schemas};
use schemars::generate::SchemaSettings;
use serde_json::Value;
use snapbox::{IntoData, assert_data_eq, file};

fn schema<T: schemars::JsonSchema>(id: &str) -> Value {
    let mut schema = SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<T>();
    schema.insert("$id".to_owned(), id.into());
    schema.to_value()
}

#[test]
fn the_published_schemas_are_current() {
    let report = schema::<v1::Report>(v1::REPORT);
    assert_data_eq!(json::render(&report).unwrap().raw(), file!["../../docs/schema/report-1.json"].raw());
    let refusal = schema::<refusals::Report>(refusals::REFUSAL);
    assert_data_eq!(json::render(&refusal).unwrap().raw(), file!["../../docs/schema/refusal-1.json"].raw());
    let test = schema::<v1::TestReport>(v1::TEST);
    assert_data_eq!(json::render(&test).unwrap().raw(), file!["../../docs/schema/test-1.json"].raw());
}

#[test]
fn reports_keep_to_their_schema() {
    for sample in [sample::refused(), sample::open()] {
        let report = serde_json::to_value(sample.answer().report()).unwrap();
        assert_eq!(complaint(&schema::<v1::Report>("urn:report"), &report), None);
    }
}

#[test]
fn the_schema_refuses_what_is_no_report() {
    let mut report = serde_json::to_value(sample::refused().answer().report()).unwrap();
    report["decision"] = "maybe".into();
    assert!(complaint(&schema::<v1::Report>("urn:report"), &report).is_some());
}

fn complaint(schema: &Value, value: &Value) -> Option<String> {
    let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
    compiler.add_resource("schema.json", schema.clone()).unwrap();
    let index = compiler.compile("schema.json", &mut schemas).unwrap();
    schemas.validate(value, index).err().map(|error| error.to_string())
}
